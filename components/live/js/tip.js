// The tip over a plot: what is under the pointer, in words.

const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };

// `event` is a pointer's, or any place in the window.
function showTip({ tip, board }, plot, event, text) {
  setText(tip, text);
  tip.hidden = false;
  const home = board.getBoundingClientRect();
  const here = plot.getBoundingClientRect();
  const left = clamp(event.clientX - home.left - tip.offsetWidth / 2, 0, home.width - tip.offsetWidth);
  const above = event.clientY - home.top - tip.offsetHeight - 16;
  tip.style.translate = `${left}px ${Math.max(above, here.top - home.top - tip.offsetHeight)}px`;
}

function hideTip({ tip }) {
  tip.hidden = true;
}

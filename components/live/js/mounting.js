// What every component of pictures does: it is mounted once, follows its size, draws at most once a frame, and is let go
// and taken up again. A component brings its own `drawFrame`.

const MOUNTED = new WeakMap();

function mounted(parentElement, selector, mount) {
  let view = MOUNTED.get(parentElement);
  if (!view || !view.root.isConnected) {
    view = mount(parentElement.querySelector(selector));
    MOUNTED.set(parentElement, view);
  }
  return view;
}

// Follow the sizes of the parts' plots, unless that is done already; `resized` is called before the next drawing.
function observe(view, parts, resized = () => {}) {
  if (view.observer) return;
  view.observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const part = parts.find(({ plot }) => plot === target);
      Object.assign(part, { width: contentRect.width, height: contentRect.height });
    }
    resized();
    requestDraw(view);
  });
  parts.forEach(({ plot }) => view.observer.observe(plot));
}

function requestDraw(view) {
  view.frame ??= requestAnimationFrame(() => drawFrame(view));
}

// What has come from the page is drawn at once: a drawing asked for after a frame has begun would be seen a frame later.
function drawNow(view) {
  cancelAnimationFrame(view.frame);
  drawFrame(view);
}

// What was let go may be taken up again as it is.
function rest(view) {
  view.observer.disconnect();
  cancelAnimationFrame(view.frame);
  view.observer = view.frame = null;
}

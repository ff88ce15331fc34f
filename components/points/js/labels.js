// Labels beside points: where one would lie on a point, an interval or another label, or be cut off, it goes elsewhere or away.

const LABEL_HEIGHT = 13;
const LABEL_GAP = 7;

const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
const inside = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
const around = (x, y, radius) => ({ left: x - radius, right: x + radius, top: y - radius, bottom: y + radius });

const weightOf = ({ chosen }) => (chosen ? 600 : 400);

// Boxes for a label of this width: above, to the upper sides, to the sides, below.
function boxesBeside({ x, y, radius }, width) {
  const gap = radius + LABEL_GAP - 4;
  const at = (left, top) => ({ left, right: left + width, top, bottom: top + LABEL_HEIGHT });
  const [above, middle, below] = [y - gap - LABEL_HEIGHT, y - LABEL_HEIGHT / 2, y + gap];
  const [right, left] = [x + LABEL_GAP, x - LABEL_GAP - width];
  return [
    at(x - width / 2, above), at(right, above + 5), at(left, above + 5),
    at(right + radius, middle), at(left - radius, middle),
    at(x - width / 2, below), at(right, below - 5), at(left, below - 5),
  ];
}

// The box of each mark's name, or null; the chosen one's comes first, and lies over others where nothing is free.
function placeLabels(marks, obstacles, frame, measure) {
  const taken = [...obstacles];
  const boxes = marks.map(() => null);
  const order = marks.map((_, i) => i).sort((a, b) => marks[b].chosen - marks[a].chosen);
  for (const i of order) {
    const choices = boxesBeside(marks[i], measure(marks[i].name, weightOf(marks[i]))).filter((box) => inside(box, frame));
    const free = choices.find((box) => !taken.some((other) => overlap(box, other)));
    boxes[i] = free ?? (marks[i].chosen ? choices[0] ?? null : null);
    if (boxes[i]) taken.push(boxes[i]);
  }
  return boxes;
}

// A name in as many lines as it has words, each as much of it as fits: the first one stands between names of one line.
const linesOf = (ctx, name, first, others) => name.split(" ").map((word, row) => elide(ctx, word, row ? others : first));

// What an officer tells the driver of the lane, as registry/lanes.py has it. Advice: no truck is
// turned away for the lane in which it stands.

const leading = (lanes, way, dedicated) => lanes
  .filter((lane) => [way, "both"].includes(lane.direction) && lane.serves !== "cars" && lane.dedicated === dedicated)
  .map((lane) => lane.gate);

/** {code, gates} or null, of a truck that stands at `gate`; `way` is "in" or "out". */
export function advice(lanes, gate, way, priority) {
  const here = lanes.find((lane) => lane.gate === gate);
  if (!here) return null;
  if (![way, "both"].includes(here.direction)) return { code: "other_way", gates: leading(lanes, way, false) };
  if (here.serves === "cars") return { code: "for_cars", gates: leading(lanes, way, false) };
  const first = leading(lanes, way, true);
  if (priority && first.length && !here.dedicated) return { code: "go_first", gates: first };
  return here.dedicated && !priority ? { code: "kept_free", gates: [] } : null;
}

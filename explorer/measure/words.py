"""What was measured, for people: on the command line."""

from explorer.console import print_columns
from explorer.measure import Measured
from explorer.measure.timing import Ratio


def sentence(ratio: Ratio) -> str:
    """A Ratio in words; too noisy has no number."""
    if ratio.noisy:
        return "too noisy for a number: other work runs on this machine; try again when it is quiet"
    said = "" if ratio.verdict != "no measurable difference" else "no measurable difference: "
    return (f"{said}{ratio.value:.2f} times as fast as FP32 (95 % interval {ratio.low:.2f} to {ratio.high:.2f}, {ratio.rounds} rounds), "
            f"{1e3 * ratio.second:.3g} ms and {1e3 * ratio.first:.3g} ms")  # fmt: skip


def print_measured(found: Measured) -> None:
    print(f"{'network':12} {sentence(found.whole)}")
    if found.predicted is not None:
        print(f"{'expected':12} {found.predicted:.2f} times as fast, by the roofline of this kind of machine (predicted)")
    for name, ran in (("kernels", found.kernels), ("FP32 kernels", found.fp32_kernels)):
        print(f"{name:12} {', '.join(f'{each.name} × {each.count} ({each.share:.0%})' for each in ran)}")
    if found.expanded > 1:
        print(f"{found.expanded} DequantizeLinear run at every call: what they expand gains nothing")
    print()
    rows = [["layers", "kind", "weight", "against FP32", "ratio", "low", "high"]]
    for each in found.layers:
        ratio, more = each.ratio, f" +{len(each.names) - 1}" if len(each.names) > 1 else ""
        numbers = [""] * 3 if ratio.noisy else [f"{number:.2f}" for number in (ratio.value, ratio.low, ratio.high)]
        rows.append([each.names[0] + more, each.kind, "×".join(map(str, each.shape)), ratio.verdict, *numbers])
    print_columns(rows)
    print(f"{found.on_codes} of {len(found.layers)} take and give codes, as in the middle of a network of integers; the others have their conversions with them")
    print(f"\n{found.how}: {found.machine}; {found.versions}; one thread, one sample; {found.date}"
          + (f"; session options {found.options}" if found.options else ""))  # fmt: skip

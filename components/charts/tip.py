"""Words as HTML: names as code, and tooltips for terms."""

import html


def with_tip(shown: str, tip: str) -> str:
    """HTML with a tooltip that opens under the pointer and with the keyboard's focus."""
    return f'<span class="tipped" tabindex="0">{shown}<span class="tip" role="tooltip">{named(tip)}</span></span>'


def named(sentence: str) -> str:
    """A sentence as HTML; what stands between backticks is a name."""
    parts = html.escape(sentence).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))

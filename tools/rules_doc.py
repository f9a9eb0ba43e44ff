"""`make docs`: the generated part of docs/rules.md, from the rules themselves. A test keeps it in step."""

from pathlib import Path
from textwrap import dedent

from enforcement.rules import RULES, Rule

PAGE = Path(__file__).resolve().parent.parent / "docs" / "rules.md"
BEGIN = "<!-- From here on generated from the rules themselves: make docs -->\n"


def page(text: str) -> str:
    """The page with its generated part made anew; what stands before it is written by hand."""
    by_hand, _, _ = text.partition(BEGIN)
    return by_hand + BEGIN + generated()


def generated() -> str:
    return "\n".join([_table(), *(_section(rule) for rule in RULES)])


def _table() -> str:
    rows = "\n".join(
        f"| {number} | [`{rule.code}`](#{rule.code}) | {_first_line(rule)} | {rule.breach_type} |"
        for number, rule in enumerate(RULES, 1)
    )
    return f"\n## The table\n\n| | rule | holds when | breach_type |\n|---|---|---|---|\n{rows}\n"


def _first_line(rule: Rule) -> str:
    return rule.doc.strip().splitlines()[0].rstrip(".").replace("|", "\\|")


def _section(rule: Rule) -> str:
    head, _, check = rule.doc.partition("\n\n")
    paragraphs = "\n\n".join(_joined(block) for block in dedent("    " + check).split("\n\n"))
    codes = "\n".join(f"| `{code}` | {_cell(text)} |" for code, text in rule.messages.items())
    sized = "A smaller order may pass where a larger one does not.\n\n" if rule.sized else ""
    return (
        f"### {rule.code}\n\n{_joined(head)}\n\n{paragraphs}\n\n{sized}"
        f"| code | what the trader reads |\n|---|---|\n{codes}\n"
    )


def _joined(block: str) -> str:
    return " ".join(line.strip() for line in block.strip().splitlines())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("{", "[").replace("}", "]")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

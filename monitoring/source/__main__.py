"""Writes the generated files of the chart: dashboards and the objectives' rules."""

from pathlib import Path

from monitoring.source.render import rendered

CHART = Path(__file__).parents[1]


def main() -> None:
    """Write every generated file; delete dashboards that are no longer generated."""
    files = rendered()
    for path in (CHART / "dashboards").glob("*.json"):
        if str(path.relative_to(CHART)) not in files:
            path.unlink()
    for name, text in files.items():
        (CHART / name).write_text(text)
        print(f"wrote {CHART.name}/{name}")


if __name__ == "__main__":
    main()

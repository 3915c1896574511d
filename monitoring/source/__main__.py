"""Writes every dashboard to monitoring/dashboards/ as the JSON that the chart ships."""

from pathlib import Path

from monitoring.source.render import rendered

FOLDER = Path(__file__).parent.parent / "dashboards"


def main() -> None:
    """Write the dashboards; remove the JSON of those that are no more."""
    wanted = rendered()
    for stale in {path.name for path in FOLDER.glob("*.json")} - wanted.keys():
        (FOLDER / stale).unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
        print(f"wrote {FOLDER.name}/{name}")


if __name__ == "__main__":
    main()

"""Write every generated file that is out of date."""

from dev.generate import render


def main() -> None:
    for path, text in render().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path}")


if __name__ == "__main__":
    main()

"""Reads the driver's questions aloud into closedloop/static/voice, once, while developing.

Needs `espeak-ng` and `lame` (apt-get install espeak-ng lame); the service needs neither. The
sentences are those of closedloop's catalogues; where one is not there yet, that of questions.json.
Run it again when a sentence has changed: `make voices`.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[1]
VOICES = ROOT / "closedloop" / "static" / "voice"
QUESTIONS = Path(__file__).with_name("questions.json")
#: Mandarin wants more time than English from this voice.
SPEAKERS = {"zh": ("cmn-latn-pinyin", "150"), "en": ("en-gb", "145")}
LARGEST = 25 * 1024


def sentences(locale: str) -> dict[str, str]:
    """The sentence of each key, from the catalogue if it has it."""
    provisional: dict[str, list[str]] = json.loads(QUESTIONS.read_text("utf-8"))
    with (ROOT / "closedloop" / "locale" / f"{locale}.po").open("rb") as file:
        catalogue = read_po(file)
    said: dict[str, str] = {}
    for key, both in provisional.items():
        message = catalogue.get(key)
        known = message.string if message else ""
        said[key] = str(known) if known else both[locale == "en"]
    return said


def speak(text: str, locale: str, target: Path) -> None:
    voice, speed = SPEAKERS[locale]
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "said.wav"
        _run("espeak-ng", "-v", voice, "-s", speed, "-g", "2", "-w", str(raw), text)
        _run("lame", "--quiet", "-m", "m", "-b", "24", "--resample", "16", str(raw), str(target))
    if target.stat().st_size > LARGEST:
        sys.exit(f"{target} is larger than {LARGEST} bytes: shorten its sentence")


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        sys.exit(f"{program} is not installed: apt-get install espeak-ng lame")
    subprocess.run([found, *arguments], check=True)


def main() -> None:
    for locale in SPEAKERS:
        folder = VOICES / locale
        folder.mkdir(parents=True, exist_ok=True)
        for key, text in sentences(locale).items():
            speak(text, locale, folder / f"{key}.mp3")


if __name__ == "__main__":
    main()

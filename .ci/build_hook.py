"""Puts the viewer's npm assets into the wheel, and refuses to build one without them.

They are installed by `npm ci --prefix viewer` and never committed. An editable install serves them from there and
needs nothing of this.
"""

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ViewerAssets(BuildHookInterface):  # type: ignore[type-arg]
    """Adds each file of `quaero_cli.resources.VENDOR_FILES` to the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files, or end the build with the way out."""
        if self.target_name != "wheel" or version == "editable":
            return
        for name, source in self._vendor_files().items():
            path = Path(self.root, "viewer", "node_modules", source)
            if not path.is_file():
                raise SystemExit(
                    f"the viewer's npm asset {source} is missing: a wheel without it has no viewer\n"
                    "hint: install it first with: npm ci --prefix viewer"
                )
            build_data["force_include"][str(path)] = f"quaero_cli/_viewer/vendor/{name}"

    def _vendor_files(self) -> dict[str, str]:
        spec = importlib.util.spec_from_file_location("resources", Path(self.root, "quaero_cli", "resources.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        files: dict[str, str] = module.VENDOR_FILES
        return files

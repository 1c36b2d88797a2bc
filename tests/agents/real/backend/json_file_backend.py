"""A backend of the reporting agent whose usage stands in a JSON file, so that tests say what it reports.

The file has months, in them resources by their backend ids, and in those the agent's own form of a report:
`{"2026-11": {"alloc-1": {"TOTAL_ACCOUNT_USAGE": {"cpu": 1.5}, "ann": {"cpu": 1.5}}}}`. It is installed beside
the agent and runs in the agent's process.
"""

import json
from pathlib import Path
from typing import Any

from waldur_site_agent.backend import utils
from waldur_site_agent.backend.backends import BaseBackend
from waldur_site_agent.backend.structures import BackendResourceInfo


class JsonFileBackend(BaseBackend):  # type: ignore[misc]  # it is not installed where this is checked
    """Reads usage from the file that its setting `path` names."""

    def __init__(self, backend_settings: dict[str, Any], backend_components: dict[str, Any]) -> None:
        super().__init__(backend_settings, backend_components)
        self.backend_type = "json-file"

    def get_usage_report_for_period(
        self, resource_backend_ids: list[str], year: int, month: int, **_: Any
    ) -> dict[str, Any]:
        months = json.loads(Path(self.backend_settings["path"]).read_text())
        of_month = months.get(f"{year}-{month:02}", {})
        return {each: of_month[each] for each in resource_backend_ids if each in of_month}

    def _get_usage_report(self, resource_backend_ids: list[str]) -> dict[str, Any]:
        now = utils.get_current_time_in_timezone(self.timezone)
        return self.get_usage_report_for_period(resource_backend_ids, now.year, now.month)

    def _pull_backend_resource(self, resource_backend_id: str) -> BackendResourceInfo | None:
        usage = self._get_usage_report([resource_backend_id]).get(resource_backend_id)
        return None if usage is None else BackendResourceInfo(backend_id=resource_backend_id, usage=usage)

    # What the other modes of the agent would ask for.

    def ping(self, raise_exception: bool = False) -> bool:
        return True

    def diagnostics(self) -> bool:
        return True

    def list_components(self) -> list[str]:
        return list(self.backend_components)

    def downscale_resource(self, resource_backend_id: str) -> bool:
        return False

    def pause_resource(self, resource_backend_id: str) -> bool:
        return False

    def restore_resource(self, resource_backend_id: str) -> bool:
        return False

    def get_resource_metadata(self, resource_backend_id: str) -> dict[str, Any]:
        return {}

    def _collect_resource_limits(self, waldur_resource: Any) -> tuple[dict[str, int], dict[str, int]]:
        return {}, {}

    def _pre_create_resource(self, waldur_resource: Any, user_context: Any = None) -> None:
        return None

"""The command `usage-ledger`, put together from its subcommands."""

import logging
import signal
import sys

import click

from web.commands.accounts import role_group, user_group
from web.commands.audit.bundle import audit_bundle_command, verify_bundle_command
from web.commands.audit.changes import diff_command, unexplained_command
from web.commands.audit.forget import forget_command
from web.commands.audit.history import history_command
from web.commands.audit.keys import key_group
from web.commands.audit.verify import verify_command
from web.commands.billing.completeness import completeness_command
from web.commands.billing.corrections import correction_group
from web.commands.billing.manifests import manifest_group
from web.commands.billing.months import month_group
from web.commands.carry_over import carry_over_command
from web.commands.errors import Group
from web.commands.exports.export import export_command
from web.commands.imports import import_command
from web.commands.operate.backup import backup_command
from web.commands.operate.database import database_group
from web.commands.operate.restore import restore_command
from web.commands.report import report_command
from web.commands.serve import serve_command
from web.commands.tokens import token_group
from web.commands.upkeep import facts_command, rebuild_command
from web.runtime.variables import VARIABLES


class Main(Group):
    """The outermost group, whose help ends with the variables of the environment."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Environment"):
            formatter.write_dl(
                [(each.name, f"{each.meaning} (default: {each.shown_default})") for each in VARIABLES]
            )


@click.group(cls=Main, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="usage-ledger")
def main() -> None:
    """An event-sourced usage ledger on the wire format of Waldur's marketplace usage API."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # else it tells of every request
    # Unwinds, so that an embedded database is not left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


for command in (
    serve_command,
    import_command,
    report_command,
    carry_over_command,
    rebuild_command,
    verify_command,
    backup_command,
    restore_command,
    audit_bundle_command,
    verify_bundle_command,
    facts_command,
    forget_command,
    history_command,
    diff_command,
    unexplained_command,
    export_command,
    month_group,
    manifest_group,
    completeness_command,
    correction_group,
    user_group,
    role_group,
    token_group,
    key_group,
    database_group,
):
    main.add_command(command)

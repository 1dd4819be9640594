"""The settings of a Thunderbird that asks nobody anything at its start and reaches nothing but loopback."""

from tests.servers.processes import LOOPBACK

NOWHERE = 9
"""The port of a proxy that is not there: whatever is not loopback gets no further than this computer.

With ``allow_bypass`` or ``failover_direct`` on, Thunderbird goes past a proxy that fails: so it asked for Mozilla's
settings a few seconds after its start.
"""

QUIET: dict[str, object] = {
    "app.donation.eoy.version.viewed": 999,
    "app.update.enabled": False,
    "browser.dom.window.dump.enabled": True,
    "calendar.timezone.useSystemTimezone": True,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "extensions.update.enabled": False,
    "mail.accounthub.addressbook.enabled": False,
    "mail.accounthub.enabled": False,
    "mail.chat.enabled": False,
    "mail.compose.autosave": False,
    "mail.inappnotifications.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mail.SpellCheckBeforeSend": False,
    "mail.warn_on_send_accel_key": False,
    "mail.winsearch.firstRunDone": True,
    "mailnews.auto_config.fetchFromISP.enabled": False,
    "mailnews.start_page.enabled": False,
    "mailnews.start_page_override.mstone": "ignore",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.no_proxies_on": f"{LOOPBACK},localhost",
    "network.proxy.allow_hijacking_localhost": False,
    "network.proxy.allow_bypass": False,
    "network.proxy.failover_direct": False,
    "network.proxy.http": LOOPBACK,
    "network.proxy.http_port": NOWHERE,
    "network.proxy.ssl": LOOPBACK,
    "network.proxy.ssl_port": NOWHERE,
    "network.proxy.type": 1,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}

"""Thunderbird on the accounts page: each identity's way out, and what guards it with a click."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from sendguard.desktop import look
from sendguard.desktop.icons import TrayState, icon
from sendguard.desktop.layout import Row, Section, together
from sendguard.desktop.mail_program import AddonInstalled, IdentityWay, MailProfile, WayState
from sendguard.desktop.services import Services
from sendguard.desktop.tasks import Done, Tasks
from sendguard.desktop.text import SafeLabel, Tone, Weight, button, safe_label
from sendguard.guard.account import Account
from sendguard.settings.setting import N_
from sendguard.wording.hostile import shown, shown_address

STATES = {
    WayState.ADDON: N_("guarded by the add-on"),
    WayState.GATE: N_("guarded by the gate"),
    WayState.NO_GATE: N_("nothing leaves: its gate is gone"),
    WayState.NO_SERVER: N_("nothing leaves: no outgoing server"),
    WayState.OPEN: N_("open: not guarded"),
}
_SHAPES = {state: TrayState.WATCHING if state.is_guarded else TrayState.TROUBLE for state in WayState}
EditAccount = Callable[[Account, Callable[[], None]], None]
"""Opens the form for a new account, filled in, and calls what is given once it is kept."""


class ThunderbirdSection(Section):
    """Not there where this person has no Thunderbird. ``edit`` opens the account form."""

    def __init__(self, services: Services, tasks: Tasks, edit: EditAccount) -> None:
        self._say = services.sentences
        super().__init__(self._say.catalogue.text("Thunderbird"))
        self._thunderbird = services.thunderbird
        self._tasks = tasks
        self._edit = edit
        self._words, self._tone = "", Tone.PLAIN
        self._to_be_read = False
        self.said = safe_label()
        self.hide()
        self.refresh()

    def refresh(self) -> None:
        """Look again, beside the main thread."""
        self._tasks.run(self._thunderbird.profiles, self._show)

    def _show(self, done: Done[tuple[MailProfile, ...]]) -> None:
        profiles = done.result or ()
        self.setVisible(bool(profiles))
        if not self.is_news((profiles, self._words)):
            return
        self.clear()
        for profile in profiles:
            self._show_profile(profile, alone=len(profiles) == 1)
        if not all(profile.has_addon for profile in profiles):
            self._offer_addon()
        if self._words:
            self._say_what_came_of_it()

    def _say_what_came_of_it(self) -> None:
        self.said = safe_label(self._words, self._tone)
        self.said.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.said.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.add(self.said)
        self.said.show()
        if self._to_be_read:  # the button that was pressed has gone, and with it the focus
            self.said.setFocus()
        self._to_be_read = False

    def _show_profile(self, profile: MailProfile, *, alone: bool) -> None:
        text = self._say.catalogue.text
        if not alone:
            title = text("Profile “{name}”", name=shown(profile.name))
            self.add(safe_label(" · ".join(filter(None, (title, profile.sandbox))), bold=True))
        if profile.unreadable:
            self.add(safe_label(self._say.trouble("profile_unreadable"), Tone.ACCENT))
        if profile.in_use and any(way.can_use_gate or way.can_point_back for way in profile.ways):
            said = text("It is open now. To change where it sends to, close Thunderbird first.")
            self.add(safe_label(said, Tone.QUIET))
        for way in profile.ways:
            self._show_way(way)
        if profile.sandbox and not profile.has_addon:
            said = text(
                "This Thunderbird comes from {sandbox}, which may keep the add-on from reaching SendGuard: "
                "use the gate.",
                sandbox=profile.sandbox,
            )
            self.add(safe_label(said, Tone.QUIET))

    def _show_way(self, way: IdentityWay) -> None:
        words = " · ".join(filter(None, (shown_address(way.address), shown(way.server))))
        state = _state(self._say.catalogue.text(STATES[way.state]), way.state)
        lines: list[QWidget] = [safe_label(words), Row(state, *self._gate_buttons(way))]
        if way.no_gate and way.state is WayState.OPEN:
            lines.append(safe_label(self._say.trouble(way.no_gate), Tone.QUIET))
        self.add(together(*lines))

    def _gate_buttons(self, way: IdentityWay) -> list[QWidget]:
        text = self._say.catalogue.text
        made: list[QWidget] = []
        if way.can_use_gate and way.state is WayState.OPEN:
            use = button(text("Use the gate") if way.has_account else text("Use the gate…"), Weight.PLAIN)
            use.clicked.connect(partial(self._use_gate, way))
            made.append(use)
        if way.can_point_back:
            back = button(text("Point back"))
            back.clicked.connect(partial(self._point_back, way))
            made.append(back)
        for each in made:
            each.setAccessibleDescription(way.address)
        return made

    def _offer_addon(self) -> None:
        text = self._say.catalogue.text
        words = text("The add-on asks before anything leaves Thunderbird: every account, those with OAuth too.")
        install = button(text("Install the add-on"), Weight.STRONG)
        install.clicked.connect(self._install)
        self.add(Row(safe_label(words, Tone.QUIET), install))

    def _use_gate(self, way: IdentityWay, checked: bool = False) -> None:
        if way.has_account:
            self._tasks.run(partial(self._thunderbird.use_gate, way.id), self._pointed)
            return
        self._way = way
        self._tasks.run(partial(self._thunderbird.suggested_account, way.id), self._suggested)

    def _suggested(self, done: Done[Account | None]) -> None:
        if done.result is None:
            self._tell(self._say.trouble("server_gone"), Tone.ACCENT)
        else:
            self._edit(done.result, self._account_kept)

    def _account_kept(self) -> None:
        """There is an account now, and with it a gate, unless the person chose none."""
        self._tasks.run(partial(self._thunderbird.use_gate, self._way.id), self._pointed)

    def _pointed(self, done: Done[str]) -> None:
        said = self._say.catalogue.text(
            "Done: from its next start Thunderbird sends through the gate, "
            "and not at all while SendGuard does not run. It may ask for your password once."
        )
        self._came_of(done, said)

    def _point_back(self, way: IdentityWay, checked: bool = False) -> None:
        self._tasks.run(partial(self._thunderbird.point_back, way.id), self._pointed_back)

    def _pointed_back(self, done: Done[str]) -> None:
        said = self._say.catalogue.text(
            "Done: from its next start Thunderbird sends to its own server again, past the gate."
        )
        self._came_of(done, said)

    def _came_of(self, done: Done[str], success: str) -> None:
        why = "profile_not_written" if done.error is not None else done.result
        if why:
            self._tell(self._say.trouble(why), Tone.ACCENT)
        else:
            self._tell(success)

    def _install(self, checked: bool = False) -> None:
        self._tasks.run(self._thunderbird.install_addon, self._installed)

    def _installed(self, done: Done[AddonInstalled]) -> None:
        text = self._say.catalogue.text
        came = done.result or AddonInstalled(trouble="addon_not_written")
        if came.trouble:
            self._tell(self._say.trouble(came.trouble), Tone.ACCENT)
        elif came.by_policy:
            self._tell(
                text(
                    "Done: Thunderbird installs it at its next start, for everybody who uses this computer. "
                    "This stands in {file}.",
                    file=shown(came.file),
                )
            )
        else:
            self._tell(
                text(
                    "The add-on is {file}. In Thunderbird: menu, Add-ons and Themes, the wheel, "
                    "Install Add-on From File.",
                    file=shown(came.file),
                )
            )

    def _tell(self, words: str, tone: Tone = Tone.PLAIN) -> None:
        self._words, self._tone, self._to_be_read = words, tone, True
        self.refresh()


def _state(words: str, state: WayState) -> QWidget:
    """What stands in the way: a shape and words."""
    pixels = look.gap(0.9)
    shape = QLabel()
    shape.setPixmap(icon(_SHAPES[state]).pixmap(pixels, pixels))
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(shape)
    label = SafeLabel(words, Tone.PLAIN if state.is_guarded else Tone.ACCENT, bold=True)
    row.addWidget(label, 1)
    return whole

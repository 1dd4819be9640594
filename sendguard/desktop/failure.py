"""A start that failed, said on the screen: whoever starts with the session reads no terminal."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox


def show_failure(text: str) -> None:
    """Say what happened, until it is closed."""
    app = QApplication.instance() or QApplication(["sendguard"])
    box = QMessageBox(QMessageBox.Icon.Critical, "SendGuard", text)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.exec()
    del app

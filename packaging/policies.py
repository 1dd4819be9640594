"""The generated policy templates and pages: `python packaging/policies.py` rewrites them from the declaration."""

from pathlib import Path

from sendguard.bootstrap.policy_files import templates

ROOT = Path(__file__).parent.parent

if __name__ == "__main__":
    for name, octets in templates().items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != octets:
            path.write_bytes(octets)
            print(f"{name}: written")

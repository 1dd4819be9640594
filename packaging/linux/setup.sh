#!/usr/bin/env bash
# Set SendGuard up in this checkout: system packages, .venv with the locked packages, SendGuard itself, translations.
#
#   packaging/linux/setup.sh run     what running it needs
#   packaging/linux/setup.sh test    what the tests need as well
#
# Does only what is missing, so it is quick when nothing is. System packages are installed when this user is root or
# may use sudo without a password; otherwise they are named and nothing is changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
purpose=${1:?run or test}
here=packaging/linux
venv=.venv
stamps=$venv/stamps

say() { echo "setup: $*"; }

# --- system packages -------------------------------------------------------------------------------------------------

wanted_packages() {
  local lists=("$here/packages-run.txt")
  [[ $purpose == test ]] && lists+=("$here/packages-test.txt")
  sed -e '/^#/d' "${lists[@]}"
  command -v make >/dev/null || echo make
}

# A package counts as installed under its own name and under every name it provides: Debian 13 and Ubuntu 24.04 have
# renamed some of them (libglib2.0-0t64 provides libglib2.0-0).
missing_packages() {
  comm -23 <(wanted_packages | sort -u) \
    <(dpkg-query -W -f='${db:Status-Abbrev} ${Package} ${Provides}\n' \
      | sed -n -e 's/^ii *//p' | sed -e 's/([^)]*)//g' | tr ', ' '\n\n' | sort -u)
}

as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi; }

may_be_root() { [[ $(id -u) == 0 ]] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }

# The mail servers are for the tests, which start their own copies: the system's ones stay stopped, now and at the
# next start of the machine.
install_packages() {
  local guard=/usr/sbin/policy-rc.d
  [[ -e $guard ]] && guard=
  if [[ -n $guard ]]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$guard" >/dev/null
    as_root chmod 755 "$guard"
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  if [[ " $* " == *" postfix "* ]]; then
    echo 'postfix postfix/main_mailer_type select No configuration' | as_root debconf-set-selections
  fi
  as_root apt-get update -qq || say "apt-get update failed; trying with the package lists there are"
  # --no-remove: rather fail than replace a mail server somebody uses here
  mkdir -p build
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends --no-remove "$@" >build/apt.log 2>&1 \
    || { tail -n 20 build/apt.log >&2; say "apt-get failed; its words are in build/apt.log" >&2; exit 1; }
  local service
  for service in postfix dovecot slapd mailman3 rsyslog; do
    [[ " $* " == *" $service"* ]] && command -v systemctl >/dev/null \
      && { as_root systemctl disable --quiet "$service.service" 2>/dev/null || true; }
  done
  if [[ -n $guard ]]; then as_root rm -f "$guard"; trap - EXIT; fi
}

system_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system, so its packages are not looked at; $here/packages-*.txt name what is needed"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  # A python that is not Debian's brings its own venv.
  if [[ " ${missing[*]} " == *" python3"* ]] && python3 -c "$python_fits" 2>/dev/null; then
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sed -e '/^python3$/d' -e '/^python3-venv$/d')
    ((${#missing[@]})) || return 0
  fi
  if ! may_be_root; then
    {
      echo "setup: these Debian packages are missing, and installing them needs root:"
      echo
      echo "    apt-get install --no-install-recommends ${missing[*]}"
      echo
      echo "Run that as root (or with sudo), then the same command again. Nothing has been changed."
    } >&2
    exit 1
  fi
  say "installing ${#missing[@]} system packages: ${missing[*]}"
  install_packages "${missing[@]}"
}

# --- the virtual environment -----------------------------------------------------------------------------------------

python_fits='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

pick_python() {
  local python
  for python in python3 /usr/bin/python3; do
    "$python" -c "$python_fits" 2>/dev/null && { echo "$python"; return; }
  done
  echo "setup: no Python 3.11 or newer with its venv module found (looked at python3 and /usr/bin/python3)" >&2
  exit 1
}

stamp_is() { [[ -e $stamps/$1 && $(<"$stamps/$1") == "$2" ]]; }

content_of() { cat "$@" | cksum; }

translations() {
  local new
  new=$(find sendguard/locales -name '*.po' -newer "$stamps/translations" 2>/dev/null || echo all)
  [[ -z $new ]] && return
  if compgen -G 'sendguard/locales/*/LC_MESSAGES/*.po' >/dev/null; then
    "$venv/bin/pybabel" --quiet compile -d sendguard/locales -D sendguard
  fi
  touch "$stamps/translations"
}

virtual_environment() {
  local lock project
  lock=$(content_of requirements.lock)
  project="$(content_of pyproject.toml) $PWD"
  [[ -x $venv/bin/python ]] && stamp_is lock "$lock" && stamp_is project "$project" && { translations; return; }

  mkdir -p "$venv"
  exec 9>"$venv/lock"
  flock 9
  if [[ ! -x $venv/bin/python ]]; then
    say "making $venv"
    rm -rf "$stamps"
    "$(pick_python)" -m venv "$venv"
  fi
  mkdir -p "$stamps"
  # --no-deps: the lock is whole, and pip, left to resolve, prefers a newer release of what another asks for with an
  # extra, which then has no hash.
  if ! stamp_is lock "$lock"; then
    say "installing the packages of requirements.lock"
    "$venv/bin/pip" install -qq --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.lock
    echo "$lock" >"$stamps/lock"
    rm -f "$stamps/project"
  fi
  if ! stamp_is project "$project"; then
    "$venv/bin/pip" install -qq --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
    echo "$project" >"$stamps/project"
  fi
  translations
  flock -u 9
}

# CPython's own nasty messages, which the tests read: Debian has them in a package of their own, other pythons bring
# them along. Without them two tests say that they were skipped.
nasty_messages() {
  [[ $purpose == test && ! -e $stamps/nasty-messages ]] || return 0
  if ! "$venv/bin/python" -c 'import test.test_email' 2>/dev/null && may_be_root; then
    local package
    package=libpython$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-testsuite
    if apt-cache show "$package" >/dev/null 2>&1; then
      say "installing $package"
      install_packages "$package"
    fi
  fi
  touch "$stamps/nasty-messages"
}

system_packages
virtual_environment
nasty_messages

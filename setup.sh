#!/bin/sh
# Makes one of the project's environments ready: `sh setup.sh [main | acceptance | bench | server]`, called by make.
#
# It finds Python 3.11 or newer, makes a virtual environment, installs the locked packages, and finds or installs a
# browser. A second call does nothing, unless a lock, pyproject.toml or this file has changed or the folder was moved.
# Python can be chosen with RUNNER_PYTHON, the browser with RUNNER_BROWSER.
set -eu

cd -- "$(dirname -- "$0")"

say() { printf 'setup: %s\n' "$*"; }
fail() { # what is wrong, what was expected, what to do
    printf 'setup: %s - %s - %s\n' "$1" "$2" "$3" >&2
    exit 4
}

part=${1:-main}
case $part in
main) venv=.venv lock=requirements.lock ;;
acceptance) venv=.venv-acceptance lock=acceptance/requirements.lock ;;
bench) venv=.venv-bench lock=benchmarks/requirements.lock ;;
server) venv=.venv lock=requirements.lock ;; # the database server of the tests
*) fail "unknown part '$part'" "main, acceptance, bench or server" "run: make setup" ;;
esac
stamp=$venv/.ready

# What pip reads from the environment may say where packages come from, never what is installed or where to.
kept='INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CERT|CLIENT_CERT|PROXY|DEFAULT_TIMEOUT|TIMEOUT|RETRIES'
kept="$kept|CONFIG_FILE|CACHE_DIR|NO_CACHE_DIR|KEYRING_PROVIDER"
for name in $(env | sed -n 's/^\(PIP_[A-Z0-9_]*\)=.*/\1/p' | grep -Evx "PIP_($kept)" || true); do
    unset "$name"
done
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV || true
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_CONSTRAINT=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

debian_root() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null 2>&1; }
apt_install() {
    say "installing $* with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    if apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1; then return 0; fi
    apt-get update -qq >/dev/null 2>&1 || true
    apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1
}
fingerprint() { { pwd && cat setup.sh pyproject.toml "$lock"; } | cksum; }

recent_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
find_python() {
    for one in "${RUNNER_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$one" ] && command -v "$one" >/dev/null 2>&1 && recent_enough "$one"; then
            command -v "$one"
            return 0
        fi
    done
    return 1
}

make_venv() {
    python=$(find_python) || fail "no Python 3.11 or newer" "python3 is $(python3 --version 2>&1 || true)" \
        "install Python 3.11 or newer, or name one: RUNNER_PYTHON=/path/to/python3 make setup"
    say "Python: $("$python" --version) ($python)"
    rm -rf "$venv"
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        debian_root && { apt_install "$version" || apt_install python3-venv || true; }
        "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || fail "this Python can't make virtual environments" \
            "its modules venv and ensurepip" "run: sudo apt-get install $version"
    fi
    "$python" -m venv "$venv" || fail "no virtual environment in $venv" "a folder that can be written" \
        "see the lines above"
    say "virtual environment: $venv"
}

install_packages() {
    say "packages: $(grep -c '==' "$lock") from $lock"
    "$venv/bin/python" -m pip install -qq --require-hashes -r "$lock" || fail "packages can't be installed" \
        "a package index that can be reached, and packages with the hashes of $lock" "see the lines above"
    if [ "$part" = main ]; then
        "$venv/bin/python" -m pip install -qq --no-deps --no-build-isolation -e . ||
            fail "Runner itself can't be installed" "a folder that can be written" "see the lines above"
    fi
}

works() { [ -n "$1" ] && command -v "$1" >/dev/null 2>&1 && "$1" --version >/dev/null 2>&1; }
installed_browser() {
    for one in google-chrome google-chrome-stable microsoft-edge microsoft-edge-stable chromium chromium-browser \
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' \
        '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge' \
        /Applications/Chromium.app/Contents/MacOS/Chromium; do
        if works "$one"; then
            command -v "$one"
            return 0
        fi
    done
    return 1
}
playwright_browser() { # its path, when Playwright has one of its own and the libraries that it needs are there
    "$venv/bin/python" - 2>/dev/null <<'PYTHON'
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    playwright.chromium.launch().close()
    print(playwright.chromium.executable_path)
PYTHON
}
limited() { # seconds, command…
    if command -v timeout >/dev/null 2>&1; then timeout "$@"; else shift && "$@"; fi
}
find_browser() {
    if [ -n "${RUNNER_BROWSER:-}" ]; then
        works "$RUNNER_BROWSER" || fail "RUNNER_BROWSER is '$RUNNER_BROWSER', which does not start" \
            "the path of Chrome, Edge or Chromium" "correct it, or unset it and run this again"
        browser=$RUNNER_BROWSER
        return
    fi
    if browser=$(installed_browser) || browser=$(playwright_browser); then return; fi
    say "no browser found, downloading one with Playwright"
    PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT=10000 \
        limited 300 "$venv/bin/python" -m playwright install chromium >/dev/null 2>&1 || say "it can't be downloaded"
    if browser=$(playwright_browser); then return; fi
    if debian_root && apt_install chromium fonts-liberation && browser=$(installed_browser); then
        apt_install chromium-headless-shell || true # starts faster and works faster; older releases don't have it
        return
    fi
    fail "no browser" "Chrome, Edge or Chromium" \
        "install one (sudo apt-get install chromium), or name one with RUNNER_BROWSER=/path/to/chrome, or run: $venv/bin/python -m playwright install --with-deps chromium"
}

server_there() { # PostgreSQL 15 or newer, where Debian puts it or on the PATH
    for one in /usr/lib/postgresql/1[5-9]/bin /usr/lib/postgresql/[2-9][0-9]/bin; do
        if [ -x "$one/initdb" ]; then return 0; fi
    done
    command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1
}
if [ "$part" = server ]; then
    if ! server_there && debian_root; then apt_install postgresql || true; fi
    server_there || say "no PostgreSQL server 15 or newer: the tests that need one will say so" >&2
    exit 0
fi

if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint)" ]; then
    exit 0
fi
# An environment made here from another lock is brought up to date; one that can't run, or was moved here, is made anew.
if ! [ "$(head -n 1 "$venv/.made" 2>/dev/null)" = "$(pwd)" ] || ! recent_enough "$venv/bin/python"; then
    make_venv
    pwd >"$venv/.made"
fi
rm -f "$stamp"
install_packages
if [ "$part" = main ]; then
    find_browser
    say "browser: $browser"
fi
fingerprint >"$stamp"
say "ready"

#!/bin/sh
# Create .venv and install Portside with the versions that deploy/constraints.txt pins.
#   sh deploy/setup.sh         what the apps need
#   sh deploy/setup.sh dev     and what the tests need (Debian's chromium among it)
# Needs Python 3.11 or newer and a package index (or a folder of wheels that pip is told of). CPU only; no model hub.
set -eu
cd "$(dirname "$0")/.."

extra="${1:-}"
stamp=".venv/.installed${extra:+-$extra}"
if [ -e "$stamp" ] && [ "$stamp" -nt pyproject.toml ] && [ "$stamp" -nt deploy/constraints.txt ]; then
    exit 0
fi

say() { printf '%s\n' "$*" >&2; }
stop() { say "$1"; say "  next: $2"; exit 1; }

python=""
for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python="$candidate"
        break
    fi
done
[ -n "$python" ] || stop "Portside needs Python 3.11 or newer." \
    "install it (Debian, Ubuntu: apt-get install python3 python3-venv), or name it: PYTHON=/path/to/python3.11 make demo"

say "[setup 1/3] a Python environment in .venv (about 5 s)"
[ -x .venv/bin/python ] || "$python" -m venv .venv ||
    stop "The environment could not be made." "install the venv module (Debian, Ubuntu: apt-get install python3-venv)"
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

# uv installs the same packages several times faster; without it pip does.
uv=""
if command -v uv >/dev/null 2>&1; then uv=uv; elif pip install --quiet uv 2>/dev/null; then uv=.venv/bin/uv; fi
export UV_FIND_LINKS="${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}"
[ -n "$UV_FIND_LINKS" ] || unset UV_FIND_LINKS

say "[setup 2/3] PyTorch for the processor (200 MB)"
torch=$(grep '^torch==' deploy/constraints.txt)
if ! .venv/bin/python -c 'import torch' 2>/dev/null; then
    # A folder of wheels that pip was told of comes first, then PyTorch's own CPU index (the build without CUDA's
    # gigabytes), then whatever the default index has.
    pip install --quiet --no-index --no-deps "$torch" 2>/dev/null ||
        pip install --quiet --no-deps --retries 0 --timeout 20 \
            --index-url https://download.pytorch.org/whl/cpu "$torch" 2>/dev/null ||
        say "  no CPU build of $torch found, taking the default index's (large)"
fi

say "[setup 3/3] the other packages, compiled for a quick start (about a minute)"
target=".${extra:+[$extra]}"
if [ -z "$uv" ] || ! "$uv" pip install --quiet --compile-bytecode \
    --python .venv/bin/python -c deploy/constraints.txt -e "$target"; then
    pip install --quiet -c deploy/constraints.txt -e "$target" ||
        stop "The packages could not be installed." "check that pip reaches a package index: python3 -m pip download six"
fi

if [ "$extra" = dev ] && ! command -v chromium >/dev/null 2>&1; then
    say "[setup dev] Debian's Chromium and a Chinese font, for the browser tests"
    [ "$(id -u)" = 0 ] || stop "The browser tests need Chromium." "run: sudo apt-get install chromium fonts-noto-cjk"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk; } \
        >/dev/null 2>&1 || stop "Chromium could not be installed." "run: apt-get install chromium fonts-noto-cjk"
fi
touch "$stamp"

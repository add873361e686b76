# Everything a developer and CI run. `just` itself comes from PyPI (rust-just), see the README's two commands.

set shell := ["bash", "-euo", "pipefail", "-c"]

venv := justfile_directory() / ".venv"
bin := venv / "bin"
peers := venv + "-peers" / "bin"
export PIP_DISABLE_PIP_VERSION_CHECK := "1"

# List the recipes.
default:
    @{{bin}}/just --list

# Install quaero, everything it needs at the locked versions, and the viewer's npm assets.
setup:
    [ -x {{bin}}/python ] || python3 -m venv {{venv}}
    {{bin}}/pip install --quiet --require-hashes -r .ci/requirements.lock
    {{bin}}/pip install --quiet --no-deps --no-build-isolation --editable .
    npm ci --prefix viewer --no-audit --no-fund --loglevel=error

# Set up and run the main job: crawl the built-in news site.
demo: setup
    {{bin}}/quaero run news-crawler

# Set up and pass every test: what CI runs.
ci: ready test-apart smoke

# What comes before the Python tests: while the system's programs are fetched, what needs none of them is checked.
[parallel]
ready: programs checks

[private]
checks: setup lint viewer-test

# Make sure that all is there that the tests need of the system (Debian's; needs root or sudo the first time).
programs: (debian "chromium" "nginx-light" "nats-server")

# Make sure that a Chromium is there for the browser tests.
browser: (debian "chromium")

# Make sure that an nginx is there for the tests behind a proxy.
proxy: (debian "nginx-light")

# Make sure that a nats-server is there for the tests of clusters.
engine: (debian "nats-server")

[private]
debian +packages:
    #!/usr/bin/env bash
    set -euo pipefail
    missing=""
    for package in {{packages}}; do
        PATH="$PATH:/usr/sbin" command -v "${package%-light}" >/dev/null || missing+=" $package"
    done
    [ -n "$missing" ] || exit 0
    become=""
    if [ "$(id -u)" != 0 ]; then become="sudo -n"; fi
    $become apt-get update -qq && $become apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
        echo "the tests need programs that are not here: sudo apt-get install$missing" >&2
        exit 1
    }

# Run a whole cluster on this machine, for trying: an engine, a view and two workers. Ctrl-C ends it.
cluster: engine
    #!/usr/bin/env bash
    set -euo pipefail
    export PATH="$PATH:/usr/sbin"
    folder=$(mktemp -d)
    # Engine and view do not hear Ctrl-C: the workers end first, and hand over what they still have.
    setsid nats-server -a 127.0.0.1 -p 14222 -js -sd "$folder/engine" >"$folder/engine.log" 2>&1 &
    engine=$! view="" workers=""
    trap 'for each in "$workers" "$view" $engine; do kill $each || true; wait $each || true; done 2>/dev/null; rm -rf "$folder"' EXIT
    trap 'exit 0' INT TERM
    export QUAERO_CLUSTER_ENGINE=nats://127.0.0.1:14222
    echo "in another shell: export QUAERO_HOME=$folder/view; .venv/bin/quaero run hello --on cluster"
    for name in worker-1 worker-2; do
        {{bin}}/quaero worker --home "$folder/$name" --name "$name" --slots 2 &
        workers+=" $!"
    done
    setsid {{bin}}/quaero serve --home "$folder/view" --port 0 &
    view=$!
    wait $view

# Run the Python tests, the browser's among them, three at a time: most of them wait for processes.
test *options:
    {{bin}}/pytest -n 3 --dist worksteal {{options}}

# The same for a machine that others load: up to three tests that failed are told apart by a run alone, and named.
test-apart:
    #!/usr/bin/env bash
    set -uo pipefail
    {{bin}}/pytest -n 3 --dist worksteal
    status=$?
    [ "$status" = 1 ] || exit "$status"
    failed=$({{bin}}/python -c 'import json; print(len(json.load(open(".pytest_cache/v/cache/lastfailed"))))')
    [ "$failed" -le 3 ] || exit "$status"
    echo "$failed of them failed with others beside them; each runs again, alone" >&2
    {{bin}}/pytest --last-failed || exit "$?"
    echo "FAILED BESIDE OTHERS, PASSED ALONE: a defect of the tests above, or a race; mend it" >&2

# Run the viewer's own tests.
viewer-test:
    npm test --prefix viewer --silent

# Check format, style, types, layers.
lint:
    {{bin}}/ruff format --check .
    {{bin}}/ruff check .
    {{bin}}/mypy
    {{bin}}/lint-imports
    npm run lint --prefix viewer --silent

# Mend format and what can be mended of style.
fmt:
    {{bin}}/ruff format .
    {{bin}}/ruff check --fix .

# Install what `bench crawl` is compared with: Scrapy, in an environment of its own, with quaero's own locked versions.
peers:
    [ -x {{peers}}/python ] || python3 -m venv {{venv}}-peers
    {{peers}}/pip install --quiet --require-hashes -r .ci/peers.lock

# Measure against peers and floors; each prints its ratios. `just peers` first compares the crawler with Scrapy, too.
bench *options:
    {{bin}}/python -m bench {{options}}

# A short pass of each benchmark.
smoke:
    {{bin}}/python -m bench --smoke

# Long campaigns: kill -9 loops and full-size benchmarks.
nightly: setup peers
    {{bin}}/pytest --nightly
    {{bin}}/python -m bench

# Take the pictures of the README anew: of real runs on a terminal and in a real browser.
screenshots:
    cd tests && {{bin}}/python screenshots.py ../docs
    cd tests && {{bin}}/python terminal_pictures.py ../docs

# Make the manual page anew, from the commands.
man:
    UPDATE_GOLDEN=1 {{bin}}/pytest -q tests/test_manpage.py

# Run a job.
run *words:
    {{bin}}/quaero run {{words}}

# Serve the viewer.
serve *words:
    {{bin}}/quaero serve {{words}}

# Build the wheel.
wheel:
    npm ci --prefix viewer --no-audit --no-fund --loglevel=error
    {{bin}}/hatchling build -t wheel

# Renew the locks after a change of pyproject.toml.
lock:
    {{bin}}/pip install --quiet "uv>=0.5,<1"
    {{bin}}/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --extra dev pyproject.toml -o .ci/requirements.lock
    {{bin}}/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --extra bench --constraints .ci/requirements.lock pyproject.toml -o .ci/peers.lock
    echo "rust-just>=1.42,<2" | {{bin}}/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate - -o .ci/bootstrap.lock

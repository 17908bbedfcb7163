#!/usr/bin/env bash
# tests/wheel.sh WHEEL: install the wheel in a fresh environment outside the repository and use it there, so that what it
# reads (the schema, the manual pages, the parts of a page) is proven to be inside.
set -euo pipefail
wheel=$(realpath "$1")
repository=$(realpath "$(dirname "$0")/..")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

python=${PYTHON:-python3}
"$python" -m venv env
env/bin/python -m pip -qq install --require-hashes --requirement "$repository/requirements/planner.txt"
env/bin/python -m pip -qq install --no-deps "$wheel"
env/bin/python -m pip check > /dev/null  # what the wheel itself asks for is there

cat > model.yaml <<'YAML'
name: small
input: [32, 32, 3]
layers:
  - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: ReLU}
  - {type: MaxPool2d, kernel_size: 2}
  - {type: Flatten}
  - {name: fc, type: Linear, out_features: 10}
YAML

expect() {  # expect TEXT COMMAND…: the command succeeds and its output holds the text
  local text=$1 output
  shift
  output=$("$@" 2>&1) || { echo "wheel: \`$*\` failed: $output" >&2; exit 1; }
  grep -qF -- "$text" <<< "$output" || { echo "wheel: \`$*\` does not say \"$text\": $output" >&2; exit 1; }
}

unset PYTHONPATH
planner=env/bin/planner
expect "$place/env/" env/bin/python -c 'import planner; print(planner.__file__)'
expect 20,714 "$planner" plan model.yaml                 # 3·3·3·8 + 8 + 16·16·8·10 + 10 parameters
expect '"params": 20714' "$planner" plan model.yaml --format json
"$planner" check model.yaml > /dev/null

# Every file of the package that is not code is inside, and so is every manual page, one to a file.
inside=$(dirname "$(env/bin/python -c 'import planner; print(planner.__file__)')")
(cd "$repository" && find planner -type f ! -name '*.py' ! -name '*.pyc' | sort | grep -v node_modules) | while read -r file; do
  cmp -s "$repository/$file" "$inside/${file#planner/}" || { echo "wheel: $file is not inside" >&2; exit 1; }
done
"$planner" schema | cmp - "$repository/planner/schema.json"
expect groups "$planner" explain NSP202
expect kernel_size "$planner" explain Conv2d
expect arXiv:1512.03385 "$planner" explain bottleneck
files=$(cd "$repository" && ls planner/faults/[a-z]*.py planner/rules/[a-z]*.py | wc -l)
expect "$((files)) pages" env/bin/python -c \
  'from planner.manual import all_kinds; print(sum(bool(kind.__doc__) for kind in all_kinds().values()), "pages")'

expect '<svg' "$planner" draw model.yaml --engine bundled
expect '</html>' "$planner" report model.yaml

sed -i.bak 's/out_channels: 8, /out_channels: 8, groups: 2, /' model.yaml
if output=$("$planner" check model.yaml 2>&1); then echo "wheel: a bad model passed the check" >&2; exit 1; fi
grep -qF "model.yaml:4" <<< "$output" || { echo "wheel: the fault has no place: $output" >&2; exit 1; }
echo "wheel: $(basename "$wheel") works outside the repository"

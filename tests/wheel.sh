#!/usr/bin/env bash
# tests/wheel.sh WHEEL: install the wheel in a fresh environment outside the repository and use every command there, so
# that what a command reads (the schema, the manual pages) is proven to be inside.
set -euo pipefail
wheel=$(realpath "$1")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

python=${PYTHON:-python3}
"$python" -m venv env
env/bin/python -m pip -qq install "$wheel"

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

cd "$place"
unset PYTHONPATH
planner=env/bin/planner
expect "$place/env/" env/bin/python -c 'import planner; print(planner.__file__)'
expect 20,714 "$planner" plan model.yaml                 # 3·3·3·8 + 8 + 16·16·8·10 + 10 parameters
expect '"params": 20714' "$planner" plan model.yaml --format json
"$planner" check --strict model.yaml > /dev/null
expect '"$schema"' "$planner" schema
expect groups "$planner" explain NSP202
expect kernel_size "$planner" explain Conv2d
sed -i.bak 's/out_channels: 8, /out_channels: 8, groups: 2, /' model.yaml
if output=$("$planner" check model.yaml 2>&1); then echo "wheel: a bad model passed the check" >&2; exit 1; fi
grep -qF "model.yaml:4" <<< "$output" || { echo "wheel: the fault has no place: $output" >&2; exit 1; }
echo "wheel: $(basename "$wheel") works outside the repository"

#!/usr/bin/env bash
# build.sh FOLDER: @tensorflow/tfjs-node 4.22.0 in FOLDER/node_modules, built against the C library in TensorFlow's wheel (1.3 GB).
# Needs pip, npm, a C++ compiler with make, and Node's headers; NODE_HEADERS is the folder whose include/node belongs to this node.
set -euo pipefail
version=${TENSORFLOW:-2.16.2} # from 2.17.1 on, round of int32 gives zeros
node=$(node -p 'require("node:fs").realpathSync(process.execPath)')
headers=${NODE_HEADERS:-$(dirname "$(dirname "$node")")}
[ -f "$headers/include/node/node_api.h" ] || { echo "no Node headers in $headers: set NODE_HEADERS" >&2; exit 1; }
mkdir -p "$1"
cd "$1"
"${PYTHON:-python3}" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --dest . "tensorflow-cpu==$version"
"${PYTHON:-python3}" - "$version" <<'PY'
import glob, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(f"tensorflow_cpu-{sys.argv[1]}-*.whl")[0])
libraries = {"tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"}
wheel.extractall("tf", [n for n in wheel.namelist() if n in libraries or n.startswith("tensorflow/include/")])
PY
[ -f package.json ] || npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-node@4.22.0
deps=node_modules/@tensorflow/tfjs-node/deps
tensorflow=$PWD/tf/tensorflow
mkdir -p "$deps/lib"
ln -sfn "$tensorflow/include" "$deps/include"
ln -sf "$tensorflow/libtensorflow_cc.so.2" "$tensorflow/libtensorflow_framework.so.2" "$deps/lib/"
ln -sf libtensorflow_cc.so.2 "$deps/lib/libtensorflow.so"
ln -sf libtensorflow_framework.so.2 "$deps/lib/libtensorflow_framework.so"
cd node_modules/@tensorflow/tfjs-node
npm_config_nodedir=$headers ../../.bin/node-pre-gyp install --build-from-source

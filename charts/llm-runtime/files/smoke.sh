# What `helm test` checks of Ollama at OLLAMA_HOST. The image has bash and Ollama's own CLI, but no curl.
set -euo pipefail
export NO_PROXY='*' no_proxy='*'

check() {
  local name=$1 output
  shift
  output=$("$@" 2>&1 </dev/null) && [[ -n $output ]] || { echo "FAIL  $name: ${output:-no output}"; exit 1; }
  echo "ok    $name"
}

# What enforces NetworkPolicies may refuse a pod that has just started.
for _ in {1..20}; do ollama list >/dev/null 2>&1 && break; sleep 0.5; done
check "the server lists its models" ollama list
check "the model $MODEL is there" ollama show "$MODEL" # `run` would pull it
check "the model $MODEL answers" ollama run "$MODEL" "Say hello."
echo "smoke: all checks passed"

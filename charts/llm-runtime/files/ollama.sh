#!/bin/bash
# What Ollama's pods do besides serving: `pull` the models, `ready` as their probe, `drain` at their end.
# The image has bash and Ollama's own CLI, but no curl.
set -euo pipefail
export LC_ALL=C # match bytes, whatever the locale
files=${TMPDIR:-/tmp}
# By 0.0.0.0, where the server listens, the CLI would go through the HTTP_PROXY of the pod; by loopback it never does.
export OLLAMA_HOST=127.0.0.1:${OLLAMA_HOST##*:}

# pull MODEL...: put the models on the volume, one after the other. A MODEL is "NAME SOURCE [--insecure]".
pull() {
  local server model
  ollama serve >"$files/serve.log" 2>&1 &
  server=$!
  # SIGTERM lets the server save its progress.
  trap "kill $server 2>/dev/null; wait $server 2>/dev/null || :" EXIT
  trap 'exit 143' TERM
  until ollama ps &>/dev/null; do
    kill -0 $server 2>/dev/null || fail "Ollama does not start:"$'\n'"$(tail -n 20 "$files/serve.log")"
    sleep 0.2
  done
  for model in "$@"; do
    # shellcheck disable=SC2086 # its words
    pull_one $model
  done
}

# Put a model on the volume, under its name and with this container's threads. The server keeps what it has of an
# interrupted pull, and the next one resumes there.
pull_one() {
  local name=$1 source=$2 output
  shift 2
  if ollama show "$source" &>/dev/null; then
    echo "$source is on the volume"
  else
    # In the background, because bash handles SIGTERM only after a foreground command.
    ollama pull "$@" "$source" 2>&1 | progress "$name from $source" &
    wait $!
  fi
  printf 'FROM %s\nPARAMETER num_thread %d\n' "$source" "$MODEL_THREADS" >"$files/Modelfile"
  output=$(ollama create "$name" -f "$files/Modelfile" 2>&1) ||
    fail "Cannot create the model $name from $source: ${output##*Error: }"
  echo "$name is on the volume, num_thread $MODEL_THREADS"
}

# Say why, and what to do where the volume is the reason.
fail() {
  local advice=""
  case $1 in
    *": no space left on device"*) advice=" (the volume is full; the chart's persistence.size sets the size of new ones)" ;;
    *" $OLLAMA_MODELS/"*": permission denied"* | *" $OLLAMA_MODELS/"*": operation not permitted"*)
      advice=" (this container's user, $UID, must own everything on the volume: chown -R $UID there, or delete its claim)" ;;
  esac
  echo "$1$advice"
  exit 1
}

# Print each step of a pull, and each tenth of a layer, once: the CLI redraws all of them ten times a second,
# between escape sequences. Fail unless the pull, of $1, succeeded; the last line says why.
progress() {
  local piece step last=""
  local -A seen=()
  while IFS= read -r -d $'\e' piece || [[ -n $piece ]]; do
    piece=${piece#[[]*[A-Za-z]} # without the rest of the escape sequence, the spinner or bar, and white space
    read -r -d '' step <<<"${piece%%$'\xe2'*}" || :
    [[ $step =~ ^(.*:)\ +([0-9]+)%$ ]] && step="${BASH_REMATCH[1]} $((BASH_REMATCH[2] / 10 * 10)) %"
    [[ -n $step && -z ${seen[$step]-} ]] || continue
    seen[$step]=1 last=$step
    [[ $step == "Error: "* ]] || echo "$step"
  done
  [[ $last != success ]] || return 0
  [[ $last == "Error: "* ]] || last="Error: it ended early, at: $last"
  fail "Cannot pull the model $1: ${last#Error: }"
}

# ready MODEL: succeed when a model is in memory; load MODEL if none is. To load it in place of another, which a
# client asked for, would make the two of them load again and again.
ready() {
  local output
  output=$(ollama ps 2>&1) || { echo "Ollama does not answer: ${output#Error: }"; exit 1; }
  [[ $output == *NAME*$'\n'* ]] && return
  # An empty prompt loads the model and nothing else. `run` would pull a model that is missing.
  output=$(ollama show "$1" 2>&1 >/dev/null && ollama run "$1" "" 2>&1 </dev/null) ||
    { echo "The model $1 does not load: ${output##*Error: }"; exit 1; }
}

# drain LEAST MOST: keep serving for LEAST seconds while the pod's address leaves the Services, then until no
# slot of a model is busy, at most MOST seconds. Ollama drops its requests at SIGTERM.
drain() {
  sleep "$1"
  local end=$((SECONDS + $2))
  while ((SECONDS < end)) && busy; do
    sleep 0.5
  done
}

# Succeed while a llama-server that Ollama started has a busy slot. PROC is for a test beside other pods' processes.
busy() {
  local file argv i
  for file in "${PROC:-/proc}"/[0-9]*/cmdline; do
    mapfile -d '' -t argv 2>/dev/null <"$file" || continue
    [[ ${argv[0]-} == */llama-server ]] || continue
    for ((i = 1; i < ${#argv[@]}; i++)); do
      [[ ${argv[i]} == --port ]] || continue
      [[ $(slots "${argv[i + 1]}") == *'"is_processing":true'* ]] && return 0
    done
  done
  return 1
}

slots() {
  { printf 'GET /slots HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3 && cat <&3; } 3<>"/dev/tcp/127.0.0.1/$1"
}

"$@"

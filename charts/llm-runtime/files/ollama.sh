#!/bin/bash
# What Ollama's pods do besides serving: `pull` the model, `ready` as their probe, `drain` at their end.
# The image has bash and Ollama's own CLI, but no curl.
set -euo pipefail
export LC_ALL=C # match bytes, whatever the locale

# pull [--insecure]: put the model on the volume, under its name and with this container's threads. The server
# keeps what it has of an interrupted pull, and the next one resumes there.
pull() {
  local server files=${TMPDIR:-/tmp} output
  ollama serve >"$files/serve.log" 2>&1 &
  server=$!
  # SIGTERM lets the server save its progress.
  trap "kill $server 2>/dev/null; wait $server 2>/dev/null || :" EXIT
  trap 'exit 143' TERM
  until ollama ps &>/dev/null; do
    kill -0 $server 2>/dev/null || { echo "Ollama does not start:"; tail -n 20 "$files/serve.log"; exit 1; }
    sleep 0.2
  done
  if ollama show "$MODEL_SOURCE" &>/dev/null; then
    echo "$MODEL_SOURCE is on the volume"
  else
    # In the background, because bash handles SIGTERM only after a foreground command.
    ollama pull "$@" "$MODEL_SOURCE" 2>&1 | progress &
    wait $!
  fi
  printf 'FROM %s\nPARAMETER num_thread %d\n' "$MODEL_SOURCE" "$MODEL_THREADS" >"$files/Modelfile"
  output=$(ollama create "$MODEL" -f "$files/Modelfile" 2>&1) ||
    { echo "Cannot create the model $MODEL from $MODEL_SOURCE: ${output##*Error: }"; exit 1; }
  echo "$MODEL is on the volume, num_thread $MODEL_THREADS"
}

# Print each step of a pull, and each tenth of a layer, once: the CLI redraws all of them ten times a second,
# between escape sequences. Fail unless the pull succeeded; the last line says why.
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
  echo "Cannot pull the model $MODEL from $MODEL_SOURCE: ${last#Error: }"
  return 1
}

# Succeed when the model is in memory; load it if it is not.
ready() {
  local name=$MODEL output
  [[ ${name##*/} == *:* ]] || name=$name:latest
  output=$(ollama ps 2>&1) || { echo "Ollama does not answer: ${output#Error: }"; exit 1; }
  [[ $output == *$'\n'"$name "* ]] && return
  # An empty prompt loads the model and nothing else. `run` would pull a model that is missing.
  output=$(ollama show "$MODEL" 2>&1 >/dev/null && ollama run "$MODEL" "" 2>&1 </dev/null) ||
    { echo "The model $MODEL does not load: ${output##*Error: }"; exit 1; }
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

# Succeed while a llama-server that Ollama started has a busy slot.
busy() {
  local file argv i
  for file in /proc/[0-9]*/cmdline; do
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

#!/bin/bash
# What the pods of Ollama do besides serving: `pull` before it, `ready` as their probe, `drain` at their end.
# The image has bash and no curl.
set -euo pipefail
export LC_ALL=C # ${#body} counts bytes

port=${OLLAMA_HOST##*:}
log=${TMPDIR:-/tmp}/serve.log

# ask PORT METHOD PATH [BODY]: print the body of the answer; fail unless its status is 200.
ask() {
  local body=${4-} status line
  {
    printf '%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
      "$2" "$3" "${#body}" "$body" >&3
    read -r _ status _ <&3
    while read -r line <&3 && [[ $line != $'\r' ]]; do :; done
    cat <&3
    [[ $status == 200 ]]
  } 3<>"/dev/tcp/127.0.0.1/$1"
}

# field NAME JSON: print a field's string or number, nothing where there is none.
field() {
  local pattern="\"$1\":\"?(([^\"\\\\,}]|\\\\.)*)"
  [[ $2 =~ $pattern ]] && printf '%s' "${BASH_REMATCH[1]}"
  return 0
}

# Print each stage of a pull, and each tenth of a layer; fail with what Ollama says.
follow() {
  local line total completed step last=""
  while read -r line || [[ -n $line ]]; do
    if [[ $line == *'"error":'* ]]; then
      echo "The model $MODEL cannot be had from $MODEL_SOURCE: $(field error "$line")"
      return 1
    fi
    step=$(field status "$line") total=$(field total "$line") completed=$(field completed "$line")
    [[ -z $total ]] || step+=" $((${completed:-0} * 10 / total * 10)) % of $total bytes"
    [[ $step == "$last" ]] || echo "$step"
    last=$step
  done
  [[ $last == success ]] || { echo "The pull of $MODEL_SOURCE ended early, at: $last"; return 1; }
}

# Have the model on the volume, under its name and with the threads of this container. What an earlier
# attempt pulled is kept: Ollama goes on where it ended.
pull() {
  local server answer
  ollama serve >"$log" 2>&1 &
  server=$!
  # The server writes down how far it came when it is told to end.
  trap "kill $server 2>/dev/null; wait $server 2>/dev/null || :" EXIT
  trap 'exit 143' TERM
  until ask "$port" GET / &>/dev/null; do
    kill -0 $server 2>/dev/null || { echo "Ollama does not start:"; tail -n 20 "$log"; exit 1; }
    sleep 0.2
  done
  if ask "$port" POST /api/show "{\"model\":\"$MODEL_SOURCE\"}" >/dev/null; then
    echo "$MODEL_SOURCE is on the volume"
  else
    # In the background, as bash would answer SIGTERM only after a command in the foreground.
    ask "$port" POST /api/pull "{\"model\":\"$MODEL_SOURCE\",\"insecure\":$MODEL_INSECURE}" | follow &
    wait $!
  fi
  answer=$(ask "$port" POST /api/create "{\"model\":\"$MODEL\",\"from\":\"$MODEL_SOURCE\",\
\"parameters\":{\"num_thread\":$MODEL_THREADS},\"stream\":false}") ||
    { echo "The model $MODEL cannot be made from $MODEL_SOURCE: $answer"; exit 1; }
  echo "$MODEL is on the volume, num_thread $MODEL_THREADS"
}

# Succeed when the model is in memory; else load it by having it say one token.
ready() {
  local name=$MODEL answer
  [[ ${name##*/} == *:* ]] || name=$name:latest
  answer=$(ask "$port" GET /api/ps) || { echo "Ollama does not answer: $answer"; exit 1; }
  [[ $answer == *"\"name\":\"$name\""* ]] && return
  answer=$(ask "$port" POST /api/generate \
    "{\"model\":\"$MODEL\",\"prompt\":\"hi\",\"stream\":false,\"options\":{\"num_predict\":1}}") ||
    { echo "The model $MODEL does not answer: $answer"; exit 1; }
}

# drain LEAST MOST: serve on for LEAST seconds while the pod's address leaves the Services, then until no
# slot of a model works, at most MOST seconds. Ollama itself cuts its answers short at SIGTERM.
drain() {
  sleep "$1"
  local end=$((SECONDS + $2))
  while ((SECONDS < end)) && working; do
    sleep 0.5
  done
}

# Succeed while a llama-server that Ollama started has a slot at work.
working() {
  local file argv i
  for file in /proc/[0-9]*/cmdline; do
    mapfile -d '' -t argv 2>/dev/null <"$file" || continue
    [[ ${argv[0]-} == */llama-server ]] || continue
    for ((i = 1; i < ${#argv[@]}; i++)); do
      [[ ${argv[i]} == --port ]] || continue
      [[ $(ask "${argv[i + 1]}" GET /slots) == *'"is_processing":true'* ]] && return 0
    done
  done
  return 1
}

"$@"

{{- define "llm-runtime.ollama.env" -}}
- name: HOME
  value: /models
- name: OLLAMA_MODELS
  value: /models
- name: OLLAMA_HOST
  value: 0.0.0.0:11434
- name: OLLAMA_NUM_PARALLEL
  value: {{ .Values.slots | quote }}
- name: OLLAMA_CONTEXT_LENGTH
  value: {{ .Values.contextLength | quote }}
- name: OLLAMA_MAX_LOADED_MODELS
  value: {{ .Values.ollama.maxLoadedModels | quote }}
- name: OLLAMA_KEEP_ALIVE
  value: {{ .Values.ollama.keepAlive | quote }}
- name: MODEL
  value: {{ include "llm-runtime.model" . | quote }}
{{- end -}}

{{/* Pulls the model, or fails and says why: the pod shows Init:Error, its description the last words. */}}
{{- define "llm-runtime.ollama.pull" -}}
- name: pull-model
  image: {{ include "llm-runtime.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [bash, /scripts/ollama.sh, pull]
  terminationMessagePolicy: FallbackToLogsOnError
  {{- include "llm-runtime.securityContext" . | nindent 2 }}
  env:
    {{- include "llm-runtime.ollama.env" . | nindent 4 }}
    - name: MODEL_SOURCE
      value: {{ .Values.model.source | default (include "llm-runtime.model" .) | quote }}
    - name: MODEL_INSECURE
      value: {{ .Values.model.insecure | quote }}
    - name: MODEL_THREADS
      value: {{ include "llm-runtime.threads" . | default "0" | quote }}
    # A server that starts would delete the parts of a pull that was cut off an hour ago.
    - name: OLLAMA_NOPRUNE
      value: "1"
    {{- with .Values.env }}
    {{- include "llm-runtime.extraEnv" . | nindent 4 }}
    {{- end }}
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  volumeMounts:
    {{- include "llm-runtime.volumeMounts" . | nindent 4 }}
{{- end -}}

{{- define "llm-runtime.ollama.env" -}}
- name: HOME
  value: /models
- name: OLLAMA_MODELS
  value: /models
# On IPv6 too: Go takes this address for every one.
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
{{- if .Values.ollama.caConfigMap }}
# In addition to the image's own certificates.
- name: SSL_CERT_DIR
  value: /ca
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The part of the container that is specific to Ollama. A script adds what Ollama lacks: the readiness of a
model, and requests that are finished at SIGTERM. */}}
{{- define "llm-runtime.ollama.container" -}}
env:
  {{- include "llm-runtime.ollama.env" . | nindent 2 }}
startupProbe:
  exec:
    command: [bash, /scripts/ollama.sh, ready, {{ include "llm-runtime.model" . | quote }}]
  {{- toYaml .Values.probes.startup | nindent 2 }}
readinessProbe:
  exec:
    command: [bash, /scripts/ollama.sh, ready, {{ include "llm-runtime.model" . | quote }}]
  {{- toYaml .Values.probes.readiness | nindent 2 }}
lifecycle:
  preStop:
    exec:
      command:
        - bash
        - /scripts/ollama.sh
        - drain
        - {{ .Values.preStopSeconds | quote }}
        - {{ .Values.shutdownGraceSeconds | quote }}
{{- end -}}

{{/* Pulls the models. A failure shows as Init:Error, with its reason in the description of the pod. */}}
{{- define "llm-runtime.ollama.pull" -}}
- name: pull-model
  image: {{ include "llm-runtime.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command:
    - bash
    - /scripts/ollama.sh
    - pull
    {{- range .Values.models | default (list (dict "name" (include "llm-runtime.model" .))) }}
    - "{{ .name }} {{ .source | default .name }}{{ if .insecure }} --insecure{{ end }}"
    {{- end }}
  terminationMessagePolicy: FallbackToLogsOnError
  securityContext:
    {{- include "llm-runtime.securityContext" . | nindent 4 }}
  env:
    {{- include "llm-runtime.ollama.env" . | nindent 4 }}
    - name: MODEL_THREADS
      value: {{ include "llm-runtime.threads" . | default "0" | quote }}
    # Without it, a starting server deletes partial downloads older than an hour.
    - name: OLLAMA_NOPRUNE
      value: "1"
  {{- include "llm-runtime.envFrom" . | nindent 2 }}
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  volumeMounts:
    {{- include "llm-runtime.volumeMounts" . | nindent 4 }}
{{- end -}}

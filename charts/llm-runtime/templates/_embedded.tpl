{{/* The part of the container that is specific to the embedded runtime (llamacpp, simulated). */}}
{{- define "llm-runtime.embedded.container" -}}
env:
  - name: RUNTIME_ENGINE
    value: {{ .Values.engine }}
  - name: RUNTIME_MODEL
    value: {{ include "llm-runtime.model" . | quote }}
  {{- range .Values.models }}
  {{- with .path }}
  - name: RUNTIME_MODEL_PATH
    value: {{ . | quote }}
  {{- end }}
  {{- end }}
  {{- with include "llm-runtime.threads" . }}
  - name: RUNTIME_THREADS
    value: {{ . | quote }}
  {{- end }}
  - name: RUNTIME_SLOTS
    value: {{ .Values.slots | quote }}
  - name: RUNTIME_CONTEXT_LENGTH
    value: {{ .Values.contextLength | quote }}
  - name: UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN
    value: {{ .Values.shutdownGraceSeconds | quote }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
startupProbe:
  httpGet: { path: /ready, port: http }
  {{- toYaml .Values.probes.startup | nindent 2 }}
readinessProbe:
  httpGet: { path: /ready, port: http }
  {{- toYaml .Values.probes.readiness | nindent 2 }}
{{- with .Values.preStopSeconds }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ . }}
{{- end }}
{{- end -}}

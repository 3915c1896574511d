{{- define "llm.securityContext" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: {{ not .Values.development }}
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "llm.volumeMounts" -}}
- name: models
  mountPath: /models
- name: tmp
  mountPath: /tmp
- name: scripts
  mountPath: /scripts
  readOnly: true
{{- end -}}

{{- define "llm.extraEnv" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "embedded.env" -}}
- name: RUNTIME_ENGINE
  value: {{ .Values.engine }}
- name: RUNTIME_MODEL
  value: {{ include "llm.model" . | quote }}
{{- with .Values.model.path }}
- name: RUNTIME_MODEL_PATH
  value: {{ . | quote }}
{{- end }}
{{- with include "llm.threads" . }}
- name: RUNTIME_THREADS
  value: {{ . | quote }}
{{- end }}
- name: RUNTIME_SLOTS
  value: {{ .Values.slots | quote }}
- name: RUNTIME_CONTEXT_LENGTH
  value: {{ .Values.contextLength | quote }}
{{- end -}}

{{/* Ready is a model that is loaded and has answered: our own server says so, Ollama has to be asked. */}}
{{- define "llm.ready" -}}
{{- if include "llm.isOllama" . -}}
exec:
  command: [bash, /scripts/ollama.sh, ready]
{{- else -}}
httpGet: { path: /ready, port: http }
{{- end }}
{{- end -}}

{{- define "llm.drain" -}}
{{- if include "llm.isOllama" . -}}
- bash
- /scripts/ollama.sh
- drain
- {{ .Values.preStopSeconds | quote }}
- {{ .Values.shutdownGraceSeconds | quote }}
{{- else -}}
- python
- /scripts/drain.py
- http://localhost:11434/metrics
- {{ .Values.preStopSeconds | quote }}
- {{ .Values.shutdownGraceSeconds | quote }}
- llm_runtime_requests_running
- llm_runtime_requests_waiting
{{- end }}
{{- end -}}

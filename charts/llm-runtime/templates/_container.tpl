{{- define "llm-runtime.securityContext" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: {{ not .Values.development }}
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "llm-runtime.volumeMounts" -}}
- name: models
  mountPath: /models
- name: tmp
  mountPath: /tmp
- name: scripts
  mountPath: /scripts
  readOnly: true
{{- end -}}

{{- define "llm-runtime.extraEnv" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* Ready is a model that is loaded and has answered: our own server says so, Ollama has to be asked. */}}
{{- define "llm-runtime.ready" -}}
{{- if include "llm-runtime.isOllama" . -}}
exec:
  command: [bash, /scripts/ollama.sh, ready]
{{- else -}}
httpGet: { path: /ready, port: http }
{{- end }}
{{- end -}}

{{- define "llm-runtime.drain" -}}
{{- if include "llm-runtime.isOllama" . -}}
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

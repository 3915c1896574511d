{{- define "llm-runtime.embedded.env" -}}
- name: RUNTIME_ENGINE
  value: {{ .Values.engine }}
- name: RUNTIME_MODEL
  value: {{ include "llm-runtime.model" . | quote }}
{{- with .Values.model.path }}
- name: RUNTIME_MODEL_PATH
  value: {{ . | quote }}
{{- end }}
{{- with include "llm-runtime.threads" . }}
- name: RUNTIME_THREADS
  value: {{ . | quote }}
{{- end }}
- name: RUNTIME_SLOTS
  value: {{ .Values.slots | quote }}
- name: RUNTIME_CONTEXT_LENGTH
  value: {{ .Values.contextLength | quote }}
{{- end -}}

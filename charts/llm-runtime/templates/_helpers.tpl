{{- define "llm-runtime.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "llm-runtime.labels" -}}
{{ include "llm-runtime.selectorLabels" . }}
app.kubernetes.io/part-of: llm-platform
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "llm-runtime.image" -}}
{{- $ollama := eq .Values.engine "ollama" -}}
{{ .Values.image.repository | default (ternary "ollama/ollama" "llm-runtime" $ollama) }}:
{{- .Values.image.tag | default (ternary "0.32.15" .Chart.AppVersion $ollama) }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{/* The first model, which is the default. */}}
{{- define "llm-runtime.model" -}}
{{ with .Values.models }}{{ (first .).name }}{{ else }}{{ include "llm-runtime.defaultModel" . }}{{ end }}
{{- end -}}

{{/* Threads per generation: the value, else the whole CPUs of the limit; empty without a limit. */}}
{{- define "llm-runtime.threads" -}}
{{- $limit := dig "limits" "cpu" "" .Values.resources | toString -}}
{{- if .Values.threads }}{{ .Values.threads }}
{{- else if hasSuffix "m" $limit }}{{ max 1 (div (trimSuffix "m" $limit) 1000) }}
{{- else if $limit }}{{ max 1 (floor $limit) }}
{{- end }}
{{- end -}}

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
{{- if eq .Values.engine "ollama" }}
- name: scripts
  mountPath: /scripts
  readOnly: true
{{- end }}
{{- end -}}

{{- define "llm-api.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "llm-api.labels" -}}
{{ include "llm-api.selectorLabels" . }}
app.kubernetes.io/part-of: llm-platform
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "llm-api.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "llm-api.keysSecret" -}}
{{- if .Values.apiKeys.existingSecret }}{{ .Values.apiKeys.existingSecret }}
{{- else if .Values.apiKeys.create }}{{ .Chart.Name }}-keys
{{- end }}
{{- end -}}

{{/* Seconds a pod keeps serving before SIGTERM. The `dev` image drops its requests at SIGTERM, so that a save
is live at once: there the grace period comes before it. */}}
{{- define "llm-api.preStopSeconds" -}}
{{ add .Values.preStopSeconds (ternary .Values.settings.shutdownGraceSeconds 0 .Values.development) }}
{{- end -}}

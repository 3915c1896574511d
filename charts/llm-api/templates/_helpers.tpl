{{/* The parts in which this chart differs from charts/llm-runtime where the two share a template. */}}
{{- define "llm-api.workload" -}}Deployment{{- end -}}

{{/* The Service of the gateway whose requests the queue's autoscaler counts. */}}
{{- define "llm-api.gateway" -}}{{ include "llm-api.fullname" . }}{{- end -}}

{{- define "llm-api.defaultRepository" -}}
{{ if .Values.development }}{{ .Chart.Name }}{{ end }}
{{- end -}}

{{- define "llm-api.defaultTag" -}}{{ .Chart.AppVersion }}{{- end -}}

{{- define "llm-api.tolerations" -}}{{ toYaml .Values.tolerations }}{{- end -}}

{{/* The Gateway's deadline comes after the gateway's own, whose answer says why. */}}
{{- define "llm-api.routeTimeout" -}}
{{- if .Values.httpRoute.timeouts.request -}}
{{ .Values.httpRoute.timeouts.request }}
{{- else if kindIs "invalid" .Values.settings.requestTimeoutSeconds -}}
{{- fail "\nhttpRoute.timeouts.request follows settings.requestTimeoutSeconds, which is null\n  fix: set one of them" -}}
{{- else -}}
{{ add (ceil .Values.settings.requestTimeoutSeconds) 5 }}s
{{- end -}}
{{- end -}}

{{- define "llm-api.containerPort" -}}8000{{- end -}}

{{/* Of the others: */}}
{{- define "llm-api.runtimeURL" -}}
{{ .Values.runtime.url | default (printf "http://%s-pods:11434" .Values.runtime.fullname) }}
{{- end -}}

{{/* The port of an address. */}}
{{- define "llm-api.portOf" -}}
{{- $url := urlParse . -}}
{{ trimPrefix ":" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end -}}

{{- define "llm-api.keysSecret" -}}
{{- if .Values.apiKeys.existingSecret }}{{ .Values.apiKeys.existingSecret }}
{{- else if .Values.apiKeys.create }}{{ include "llm-api.fullname" . }}-keys
{{- end }}
{{- end -}}

{{- define "llm-api.keysEnv" -}}
{{- with include "llm-api.keysSecret" . }}
- name: LLM_API_KEYS
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ $.Values.apiKeys.secretKey }}
{{- end }}
{{- end -}}

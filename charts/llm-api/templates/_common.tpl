{{/* The name of the objects. */}}
{{- define "llm-api.fullname" -}}
{{ .Values.fullnameOverride | default .Chart.Name }}
{{- end -}}

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

{{- define "llm-api.metadata" -}}
name: {{ include "llm-api.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "llm-api.labels" . | nindent 2 }}
{{- end -}}

{{- define "llm-api.image" -}}
{{- $repository := .Values.image.repository | default (include "llm-api.defaultRepository" .) -}}
{{- if not $repository -}}
{{- fail (printf "\nimage.repository is empty, and no registry has this project's images\n  fix: build and push the image of %s, then --set %s" .Chart.Name "image.repository=REGISTRY/NAME") -}}
{{- else if and .Values.production (not .Values.image.digest) -}}
{{- fail "\nproduction is true, and image.digest is empty: a tag can change under running pods\n  fix: --set image.digest=sha256:..., which `docker buildx imagetools inspect IMAGE` prints" -}}
{{- end -}}
{{ $repository }}:{{ .Values.image.tag | default (include "llm-api.defaultTag" .) }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "llm-api.podLabels" -}}
{{ include "llm-api.selectorLabels" . }}
app.kubernetes.io/part-of: llm-platform
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Of the pods of `helm test`, which no Service, budget or autoscaler may count. */}}
{{- define "llm-api.testLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "llm-api.testMetadata" -}}
name: {{ include "llm-api.fullname" . }}-test
namespace: {{ .Release.Namespace }}
labels:
  {{- include "llm-api.testLabels" . | nindent 2 }}
  app.kubernetes.io/part-of: llm-platform
annotations:
  helm.sh/hook: test
  helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}

{{/* What Pod Security's "restricted" asks of a pod, and of a container. */}}
{{- define "llm-api.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "llm-api.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: {{ not .Values.development }}
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Who pulls the image, and as whom the pod runs. */}}
{{- define "llm-api.identity" -}}
serviceAccountName: {{ include "llm-api.fullname" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Where a pod runs. */}}
{{- define "llm-api.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "llm-api.tolerations" . | fromYamlArray }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range .Values.topologySpreadConstraints }}
  - labelSelector:
      matchLabels:
        {{- include "llm-api.selectorLabels" $ | nindent 8 }}
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "llm-api.envFrom" -}}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The egress rules that both charts have: names are resolved, and what the values add. */}}
{{- define "llm-api.commonEgress" -}}
{{- with .Values.networkPolicy.dnsTo }}
- to:
    {{- toYaml . | nindent 4 }}
  ports:
    - { port: 53, protocol: UDP }
    - { port: 53, protocol: TCP }
{{- end }}
{{- with .Values.networkPolicy.egress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The parts in which this chart differs from charts/llm-api where the two share a template. */}}
{{- define "llm-runtime.workload" -}}StatefulSet{{- end -}}

{{/* The Service of the gateway whose requests the queue's autoscaler counts. */}}
{{- define "llm-runtime.gateway" -}}{{ .Values.gateway.fullname }}{{- end -}}

{{- define "llm-runtime.defaultRepository" -}}
{{ if eq .Values.engine "ollama" }}ollama/ollama{{ else if .Values.development }}{{ .Chart.Name }}{{ end }}
{{- end -}}

{{- define "llm-runtime.defaultTag" -}}
{{ ternary "0.32.15" .Chart.AppVersion (eq .Values.engine "ollama") }}
{{- end -}}

{{- define "llm-runtime.tolerations" -}}
{{- if include "llm-runtime.usesGPU" . }}{{ toYaml (concat .Values.tolerations .Values.gpu.tolerations) }}
{{- else }}{{ toYaml .Values.tolerations }}
{{- end }}
{{- end -}}

{{- define "llm-runtime.routeTimeout" -}}{{ .Values.httpRoute.timeouts.request }}{{- end -}}

{{- define "llm-runtime.containerPort" -}}11434{{- end -}}

{{/* Of the others: */}}
{{- define "llm-runtime.checkMinimum" -}}
{{- if and (eq .Values.autoscaling.mode "cpu") (not .Values.autoscaling.minReplicas) -}}
{{- fail "\nautoscaling.minReplicas is 0, and without a replica there is no CPU usage to scale on\n  fix: autoscaling.mode=queue, or autoscaling.minReplicas=1" -}}
{{- end -}}
{{- end -}}

{{- define "llm-runtime.usesGPU" -}}
{{- if or .Values.gpu.count .Values.gpu.resourceClaimTemplate -}}
{{- if ne .Values.engine "ollama" -}}
{{- fail (printf "\nthe engine %s computes on CPUs, and gpu asks for a GPU\n  fix: --set engine=ollama, or gpu.count=0 and no gpu.resourceClaimTemplate" .Values.engine) -}}
{{- end -}}
true
{{- end -}}
{{- end -}}

{{/* Refuses GPUs that no node has. It shows only where helm asks the cluster: not in `helm template`, Tilt or Argo CD. */}}
{{- define "llm-runtime.checkNodes" -}}
{{- if and .Values.gpu.count .Values.gpu.checkNodes -}}
{{- $nodes := dig "items" list (lookup "v1" "Node" "" "") -}}
{{- $most := 0 -}}
{{- range $nodes }}{{ $most = max $most (dig "status" "allocatable" $.Values.gpu.resource 0 . | int) }}{{ end -}}
{{- if and $nodes (lt (int $most) (int .Values.gpu.count)) -}}
{{- fail (printf "\ngpu.count is %v, and no node of this cluster has more than %v of %s\n  fix: install the vendor's device plugin on the nodes with GPUs, or name what it offers in gpu.resource\n       without GPUs: --set gpu.count=0; where nodes are added on demand: --set gpu.checkNodes=false" .Values.gpu.count $most .Values.gpu.resource) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The server's resources. The pull needs no GPU. */}}
{{- define "llm-runtime.resources" -}}
{{- $gpu := dict -}}
{{- if .Values.gpu.resourceClaimTemplate -}}
{{- $gpu = dict "claims" (list (dict "name" "gpu")) -}}
{{- else if .Values.gpu.count -}}
{{- $gpu = dict "limits" (dict .Values.gpu.resource (.Values.gpu.count | int)) -}}
{{- end -}}
{{ toYaml (mergeOverwrite (deepCopy .Values.resources) $gpu) }}
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

{{- define "llm-runtime.volumeMounts" -}}
- name: models
  mountPath: /models
- name: tmp
  mountPath: /tmp
{{- if eq .Values.engine "ollama" }}
- name: scripts
  mountPath: /scripts
  readOnly: true
{{- with .Values.ollama.caConfigMap }}
- name: ca
  mountPath: /ca
  readOnly: true
{{- end }}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

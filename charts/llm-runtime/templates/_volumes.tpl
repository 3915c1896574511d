{{/* The volumes of a pod, but for those of the StatefulSet's volumeClaimTemplates. */}}
{{- define "llm-runtime.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if eq .Values.engine "ollama" }}
- name: scripts
  configMap:
    name: {{ include "llm-runtime.fullname" . }}
{{- with .Values.ollama.caConfigMap }}
- name: ca
  configMap:
    name: {{ . }}
{{- end }}
{{- end }}
{{- if not .Values.persistence.enabled }}
- name: models
  emptyDir: {}
{{- else if .Values.persistence.existingClaim }}
- name: models
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "llm-runtime.claimTemplates" -}}
persistentVolumeClaimRetentionPolicy:
  {{- toYaml .Values.persistence.retention | nindent 2 }}
volumeClaimTemplates:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata:
      name: models
    spec:
      accessModes:
        {{- toYaml .Values.persistence.accessModes | nindent 8 }}
      {{- with .Values.persistence.storageClass }}
      storageClassName: {{ . }}
      {{- end }}
      resources:
        requests:
          storage: {{ .Values.persistence.size }}
{{- end -}}

{{- define "llm-runtime.checkExistingClaim" -}}
{{- $most := ternary .Values.replicas .Values.autoscaling.maxReplicas (eq .Values.autoscaling.mode "none") -}}
{{- if and (gt (int $most) 1) (not (has "ReadWriteMany" .Values.persistence.accessModes)) -}}
{{- fail (printf "\npersistence.existingClaim is one volume, and there may be %v replicas\n  fix: autoscaling.maxReplicas=1 (replicas=1 with autoscaling.mode=none), or, if the volume can be shared, persistence.accessModes={ReadWriteMany}" $most) -}}
{{- end -}}
{{- end -}}

{{/* The bytes of a quantity such as 4Gi: the API server may have stored it in another unit. */}}
{{- define "llm-runtime.bytes" -}}
{{- $unit := regexFind "[KMGTPEk]?i?$" . -}}
{{- $power := dict "" 0 "k" 1 "M" 2 "G" 3 "T" 4 "P" 5 "E" 6 "Ki" 1 "Mi" 2 "Gi" 3 "Ti" 4 "Pi" 5 "Ei" 6 -}}
{{- $bytes := trimSuffix $unit . | float64 -}}
{{- range until (get $power $unit) }}{{ $bytes = mulf $bytes (ternary 1024 1000 (hasSuffix "i" $unit)) }}{{ end -}}
{{ printf "%.0f" $bytes }}
{{- end -}}

{{/* Refuses a change that the API server would, with its "forbidden", after the other objects have changed. It
shows only where helm asks the cluster: not in `helm template`, Tilt or Argo CD. */}}
{{- define "llm-runtime.checkClaimTemplates" -}}
{{- $name := include "llm-runtime.fullname" . -}}
{{- range dig "spec" "volumeClaimTemplates" list (lookup "apps/v1" "StatefulSet" .Release.Namespace $name) -}}
{{- $old := .spec.resources.requests.storage -}}
{{- if ne (include "llm-runtime.bytes" $old) (include "llm-runtime.bytes" $.Values.persistence.size) -}}
{{- $kubectl := printf "kubectl --namespace %s" $.Release.Namespace -}}
{{- fail (printf "\npersistence.size is %s, and the StatefulSet %s makes volumes of %s, which cannot change\n  fix: %s delete statefulset %s --cascade=orphan (its pods keep running), then this command again\n       volumes that exist keep their size: delete their claims, whose models are pulled again, or where the storage class\n       allows it, %s patch pvc models-%s-0 --patch '{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"%s\"}}}}'" $.Values.persistence.size $name $old $kubectl $name $kubectl $name $.Values.persistence.size) -}}
{{- end -}}
{{- end -}}
{{- end -}}

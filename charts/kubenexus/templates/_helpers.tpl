{{- define "kubenexus.name" -}}
{{ .Values.fullnameOverride | default "kubenexus-scheduler" }}
{{- end }}

{{- define "kubenexus.selector" -}}
app.kubernetes.io/name: {{ include "kubenexus.name" . | quote }}
{{- end }}

{{- define "kubenexus.podLabels" -}}
{{ include "kubenexus.selector" . }}
app.kubernetes.io/component: scheduler
app.kubernetes.io/part-of: kubenexus
{{- end }}

{{- define "kubenexus.labels" -}}
{{ include "kubenexus.podLabels" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: "{{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}"
{{- end }}

{{- define "kubenexus.serveName" -}}
{{ include "kubenexus.name" . | trimSuffix "-scheduler" }}-serve
{{- end }}

{{- define "kubenexus.servePodLabels" -}}
app.kubernetes.io/name: {{ include "kubenexus.serveName" . | quote }}
app.kubernetes.io/component: serve
app.kubernetes.io/part-of: kubenexus
{{- end }}

{{- define "kubenexus.serveLabels" -}}
{{ include "kubenexus.servePodLabels" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: "{{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}"
{{- end }}

{{- define "kubenexus.image" -}}
{{- if regexMatch "@|:[^/]*$" .Values.image.repository }}
{{- fail (printf "image.repository is %q: the tag, or the digest (sha256:...), goes into image.tag" .Values.image.repository) }}
{{- end }}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{ .Values.image.repository }}{{ if hasPrefix "sha256:" $tag }}@{{ else }}:{{ end }}{{ $tag }}
{{- end }}

{{- define "kubenexus.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "kubenexus.name" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{- /* Of a profile: what the scheduler would refuse when it starts, or leave out without a word. */ -}}
{{- define "kubenexus.checkProfile" -}}
{{- $args := .args | default dict }}
{{- $gangs := get (dict "kubenexus-scheduler" "Coscheduling" "batch-scheduler" "BatchPermit") .schedulerName }}
{{- if and $gangs (not .plugin) }}
{{- fail (printf "profiles: %q always serves gangs; give it the plugin %q, or another schedulerName" .schedulerName $gangs) }}
{{- end }}
{{- if and $args (not .plugin) }}
{{- fail (printf "profiles: %q has args and no plugin that they are for" .schedulerName) }}
{{- end }}
{{- $kind := printf "%sArgs" .plugin }}
{{- if ne $kind ($args.kind | default $kind) }}
{{- fail (printf "profiles: %q has args of the kind %q; use %q or leave it out" .schedulerName $args.kind $kind) }}
{{- end }}
{{- $now := now }}
{{- range $name := list "timeout" "reservationTimeout" }}
{{- $duration := get $args $name | default "0s" }}
{{- if (mustDateModify $duration $now).After (mustDateModify "24h" $now) }}
{{- fail (printf "profiles: %q has the %s %s; the longest is 24h" $.schedulerName $name $duration) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "kubenexus.name" -}}
{{ .Values.fullnameOverride | default "kubenexus-scheduler" }}
{{- end }}

{{- define "kubenexus.selector" -}}
app.kubernetes.io/name: {{ include "kubenexus.name" . }}
{{- end }}

{{- define "kubenexus.podLabels" -}}
{{ include "kubenexus.selector" . }}
app.kubernetes.io/component: scheduler
app.kubernetes.io/part-of: kubenexus
{{- end }}

{{- define "kubenexus.labels" -}}
{{ include "kubenexus.podLabels" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "kubenexus.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{ .Values.image.repository }}{{ if hasPrefix "sha256:" $tag }}@{{ else }}:{{ end }}{{ $tag }}
{{- end }}

{{- define "kubenexus.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "kubenexus.name" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

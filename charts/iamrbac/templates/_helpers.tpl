{{- define "iamrbac.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name }}{{ end -}}
{{- end }}

{{- define "iamrbac.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "iamrbac.labels" -}}
{{ include "iamrbac.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "iamrbac.account" -}}
{{ .Values.serviceAccount.name | default "iamrbac" }}
{{- end }}

{{- define "iamrbac.home" -}}
{{ .Values.home | default .Release.Namespace }}
{{- end }}

{{- define "iamrbac.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{- /* What git and ssh of a Pod are told, for the kind of credentials. Its own comment would be part of the file. */ -}}
{{- define "iamrbac.gitconfig" -}}
{{- if eq .Values.source.credentials.kind "https" -}}
[credential]
    # Read only: what git would store or erase it cannot.
    helper = "!f() { test \"$1\" != get || exec git credential-store --file=/etc/iamrbac/git/credentials get; }; f"
{{- else if eq .Values.source.credentials.kind "ssh" -}}
[core]
    sshCommand = ssh -F none -i /etc/iamrbac/git/ssh-privatekey -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/etc/iamrbac/git/known_hosts
{{- end -}}
{{- end }}

{{- /* What changes restarts what reads it. */ -}}
{{- define "iamrbac.files" -}}
{{- $git := include "iamrbac.gitconfig" . -}}
{{- if $git }}
gitconfig: |
  {{- $git | nindent 2 }}
{{- end }}
{{- with .Values.source.allowedSigners }}
allowed_signers: |
  {{- . | trim | nindent 2 }}
{{- end }}
{{- end }}

{{- /* What one value says about another, and what must not be printed. */ -}}
{{- define "iamrbac.check" -}}
{{- $url := .Values.source.repository -}}
{{- $kind := .Values.source.credentials.kind -}}
{{- $https := hasPrefix "https://" $url -}}
{{- $ssh := or (hasPrefix "ssh://" $url) (regexMatch "^[A-Za-z0-9._-]+@[^/:@\\s]+:\\S+$" $url) -}}
{{- if not (or $https $ssh) -}}
{{- fail "source.repository: it must be https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH" -}}
{{- end -}}
{{- if or (regexMatch "\\s" $url) (regexMatch "^https://[^/]*@" $url) (regexMatch "^ssh://[^/@]*:[^/]*@" $url) -}}
{{- fail "source.repository: no user, no password and no blank may be in it; credentials belong in a Secret (source.credentials)" -}}
{{- end -}}
{{- if and (eq $kind "https") (not $https) -}}
{{- fail "source.credentials.kind: https is for a source.repository that begins with https://" -}}
{{- end -}}
{{- if and (eq $kind "ssh") (not $ssh) -}}
{{- fail "source.credentials.kind: ssh is for a source.repository of the form ssh://USER@HOST/PATH or USER@HOST:PATH" -}}
{{- end -}}
{{- if and (eq $kind "none") $ssh -}}
{{- fail "source.credentials.kind: SSH always needs a key: make it ssh, and name the Secret in source.credentials.secret" -}}
{{- end -}}
{{- if and (ne $kind "none") (not .Values.source.credentials.secret) -}}
{{- fail (printf "source.credentials.secret: name the Secret in namespace %s that has what kind %s needs" .Release.Namespace $kind) -}}
{{- end -}}
{{- end }}

{{- /* The Pod of the Deployment and of the CronJob. */ -}}
{{- define "iamrbac.pod" -}}
{{- include "iamrbac.check" . -}}
{{- $files := include "iamrbac.files" . | trim -}}
{{- $secret := ne .Values.source.credentials.kind "none" -}}
{{- $loop := eq .Values.mode "loop" -}}
metadata:
  {{- $annotations := .Values.podAnnotations }}
  {{- if $files }}
  {{- $annotations = merge (dict "checksum/files" (sha256sum $files)) $annotations }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  labels:
    {{- include "iamrbac.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "iamrbac.account" . }}
  # Its token is what the API server is asked with.
  automountServiceAccountToken: true
  enableServiceLinks: false
  {{- if not $loop }}
  restartPolicy: Never
  {{- end }}
  # A write on its way is ended, and the Leases are given back.
  terminationGracePeriodSeconds: 90
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: sync
      image: {{ include "iamrbac.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - sync
        {{- if not $loop }}
        - --once
        - --no-leader-election
        - --listen=
        {{- else }}
        - --interval={{ .Values.sync.interval }}
        - --jitter={{ .Values.sync.jitter }}
        - --leader-election
        - --lease-namespace={{ include "iamrbac.home" . }}
        - --listen=0.0.0.0:8080
        {{- end }}
        - --repository=$(SYNC_REPOSITORY)
        - --branch=$(SYNC_BRANCH)
        {{- with .Values.source.path }}
        - --path={{ . }}
        {{- end }}
        {{- with .Values.source.commit }}
        - --commit={{ . }}
        {{- end }}
        {{- if .Values.source.allowedSigners }}
        - --allowed-signers=/etc/iamrbac/files/allowed_signers
        {{- end }}
        - --work-dir=/var/lib/iamrbac/repository
        - --in-cluster=$(SYNC_CLUSTER)
        {{- range .Values.clusters }}
        - --cluster={{ . }}
        {{- end }}
        - --cluster-timeout={{ .Values.sync.clusterTimeout }}
        - --log-format={{ .Values.sync.logFormat }}
        {{- range .Values.sync.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      env:
        # Kubernetes puts these into the arguments; so an overlay can replace each by its name.
        - {name: SYNC_REPOSITORY, value: {{ .Values.source.repository | quote }}}
        - {name: SYNC_BRANCH, value: {{ .Values.source.branch | quote }}}
        - {name: SYNC_CLUSTER, value: {{ .Values.cluster | quote }}}
        - {name: HOME, value: /tmp}
        - {name: XDG_CACHE_HOME, value: /var/lib/iamrbac/cache}
        - {name: XDG_STATE_HOME, value: /var/lib/iamrbac/state}
        {{- if include "iamrbac.gitconfig" . }}
        - {name: GIT_CONFIG_GLOBAL, value: /etc/iamrbac/files/gitconfig}
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if $loop }}
      ports:
        - {name: metrics, containerPort: 8080, protocol: TCP}
      livenessProbe:
        httpGet: {path: /healthz, port: metrics}
        initialDelaySeconds: 10
        periodSeconds: 20
        timeoutSeconds: 5
      readinessProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 5
      {{- end }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: state, mountPath: /var/lib/iamrbac}
        - {name: tmp, mountPath: /tmp}
        {{- if $files }}
        - {name: files, mountPath: /etc/iamrbac/files, readOnly: true}
        {{- end }}
        {{- if $secret }}
        - {name: git, mountPath: /etc/iamrbac/git, readOnly: true}
        {{- end }}
  volumes:
    - name: state
      {{- if .Values.workVolume }}
      {{- toYaml .Values.workVolume | nindent 6 }}
      {{- else }}
      emptyDir: {sizeLimit: {{ .Values.workSize }}}
      {{- end }}
    - name: tmp
      emptyDir: {sizeLimit: 256Mi}
    {{- if $files }}
    - name: files
      configMap: {name: {{ include "iamrbac.name" . }}-files}
    {{- end }}
    {{- if $secret }}
    - name: git
      secret: {secretName: {{ .Values.source.credentials.secret }}, defaultMode: 0440}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
  {{- else if and $loop (gt (int .Values.replicas) 1) }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "iamrbac.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
{{- end }}

# For runbooks, by `. mesh/kubernetes/roll-out/functions.sh` in the root of the repository, in bash; O is the overlay.

# manifests PART: a part of all.yaml, which `kubectl kustomize $O >all.yaml` makes; part PART: applies it.
manifests() { node mesh/kubernetes/roll-out/part.ts "$1" <all.yaml; }
part() { manifests "$1" | kubectl apply -f -; }

# fetch NAMESPACE NAME…: secrets from Vault into the cluster, and waits until they are there: Ready alone also says one that was fetched before it changed.
fetch() {
  local namespace=$1 name before left; shift
  for name; do
    before=$(kubectl -n "$namespace" get externalsecret "$name" -o 'jsonpath={.status.syncedResourceVersion}') || return 1
    kubectl -n "$namespace" annotate externalsecret "$name" force-sync="$(date +%s%N)" --overwrite || return 1
    left=60
    until [ "$(kubectl -n "$namespace" get externalsecret "$name" -o 'jsonpath={.status.syncedResourceVersion}')" != "$before" ]; do
      left=$((left - 1)); [ $left -gt 0 ] || { echo "$name was not fetched: kubectl -n $namespace describe externalsecret $name" >&2; return 1; }
      sleep 2
    done
  done
}

# fetch_all: every secret of both namespaces.
fetch_all() {
  local one
  for one in $(kubectl get externalsecret -A -o 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}' | grep '^oxo-'); do
    fetch "${one%/*}" "${one#*/}" || return 1
  done
}

# migrate: the migration anew, since a Job cannot be changed, until it has ended well or badly.
migrate() {
  local left=370
  kubectl -n oxo-app delete job migrate --ignore-not-found && part migration || return 1
  until kubectl -n oxo-app wait --for=condition=complete job/migrate --timeout=10s >/dev/null 2>&1; do
    left=$((left - 1))
    if [ $left -le 0 ] || kubectl -n oxo-app wait --for=condition=failed job/migrate --timeout=1s >/dev/null 2>&1; then
      kubectl -n oxo-app logs -l app=migrate --prefix --tail=-1
      echo "the migration has failed" >&2; return 1
    fi
    kubectl -n oxo-app get job migrate --no-headers -o 'custom-columns=A:.status.active,F:.status.failed' | sed 's/^\(.*\) \(.*\)$/running: \1 failed tries: \2/'
  done
  kubectl -n oxo-app logs job/migrate
}

# restart NAME: the pods of a Deployment, one after the other.
restart() { kubectl -n oxo-app rollout restart "deployment/$1" && kubectl -n oxo-app rollout status "deployment/$1" --timeout=10m; }

# acl_commands: of a list of Redis' users, what tells a server that runs. Not the administrator and the default user: whose session this is, and the operator's.
acl_commands() { sed -n -e '/^user default /d' -e '/^user oxo /d' -e 's/^user /ACL SETUSER /p'; }

# tell_redis SECRET POD…: users and rights to servers that run, which read their list only when they start. It holds hashes, no passwords.
tell_redis() {
  local secret=$1 pod commands; shift
  commands=$(kubectl -n oxo-infra get secret "$secret" -o 'jsonpath={.data.user\.acl}' | base64 -d | acl_commands)
  [ -n "$commands" ] || { echo "$secret names no user" >&2; return 1; }
  for pod; do
    echo "$commands" | kubectl -n oxo-infra exec -i "$pod" -- sh -c 'redis-cli -e --user oxo --pass "$REDIS_PASSWORD" --no-auth-warning' || return 1
  done
}
tell_all_redis() {
  tell_redis redis-acl $(kubectl -n oxo-infra get pods -l redis_setup_type=cluster -o name) && tell_redis redis-limits-acl pod/redis-limits-0
}

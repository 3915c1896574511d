# sh release.sh apply NAME NAMESPACE CHART [FLAG...] | delete NAME NAMESPACE
# Applies the release, then prints its objects as the cluster has them, as Tilt expects.
set -eu
action=$1 name=$2 namespace=$3
shift 3
if [ "$action" = delete ]; then
    if helm status "$name" --namespace "$namespace" >/dev/null 2>&1; then
        helm uninstall "$name" --namespace "$namespace" >&2
    fi
    exit
fi
chart=$1
shift
helm upgrade --install "$name" "$chart" --namespace "$namespace" "$@" >&2
helm get manifest "$name" --namespace "$namespace" | kubectl get --namespace "$namespace" --output yaml --filename - ||
    # an object of another namespace: kubectl refuses a namespace then
    helm get manifest "$name" --namespace "$namespace" | kubectl get --output yaml --filename -

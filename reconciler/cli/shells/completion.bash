# Completion of reconciler for bash. What may come next is asked of the `reconciler` on the PATH.
_reconciler() {
    local line=${COMP_LINE:0:COMP_POINT} word kept
    kept=${line##*[[:space:]]}
    kept=${kept%"$2"} # bash replaces only what follows the last = or :
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        case $word in
            :files) compopt -o default ;;
            :folders) compopt -o dirnames ;;
            *) COMPREPLY+=("${word#"$kept"}") ;;
        esac
    done < <(command reconciler completion bash "$line")
} 2>/dev/null
complete -F _reconciler reconciler

#compdef reconciler
# Completion of reconciler for zsh. What may come next is asked of the `reconciler` on the PATH.
_reconciler() {
    local line
    local -a found shown
    for line in "${(@f)$(command reconciler completion zsh "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}"; do
        case $line in
            (:files) _files; return ;;
            (:folders) _files -/; return ;;
            (*$'\t'*) found+=("${line%%$'\t'*}"); shown+=("${(r:22:)found[-1]}${line#*$'\t'}") ;;
            (?*) found+=("$line"); shown+=("$line") ;;
        esac
    done
    compadd -l -d shown -a found
}
if [[ $funcstack[1] == _reconciler ]]; then
    _reconciler "$@"
else
    compdef _reconciler reconciler
fi

# Completion of reconciler for fish. What may come next is asked of the `reconciler` on the PATH.
function __reconciler_words
    for line in (command reconciler completion fish (commandline --cut-at-cursor --current-process) 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline --current-token)
            case :folders
                __fish_complete_directories (commandline --current-token)
            case '*'
                printf '%s\n' $line
        end
    end
end
complete --command reconciler --no-files --arguments '(__reconciler_words)'

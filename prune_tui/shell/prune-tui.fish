# Completion of prune-tui for fish: prune-tui completion fish | source

function __prune_tui_complete
    set -l words (commandline -opc)
    $words[1] __complete words $words[2..] (commandline -ct | string unescape) 2>/dev/null
end

complete -c prune-tui -f -k -a '(__prune_tui_complete)'

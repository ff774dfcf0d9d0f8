# Completion of prune-tui for fish: prune-tui completion fish | source

function __prune_tui_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l word (string unescape -- $typed)
    # A ~ that is quoted is no home; one in a variable is none yet.
    string match -q '~*/*' -- $word; and not string match -q '~*' -- $typed; and return
    if set -l home (string match -r '^~[\w.-]*(?=/)' -- $words[1])
        set words[1] (eval echo $home)(string replace -r '^~[^/]*' '' -- $words[1])
    end
    $words[1] __complete words $words[2..] $word 2>/dev/null
end

complete -c prune-tui -f -k -a '(__prune_tui_complete)'

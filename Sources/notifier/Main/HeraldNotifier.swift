import ArgumentParser
import Notifier

@main
enum HeraldNotifier {
    static func main() async { await NotifierCommand.main() }
}

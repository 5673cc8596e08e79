import ArgumentParser
import Notifier

@main
struct HeraldNotifier {
    static func main() async {
        await NotifierCommand.main()
    }
}

// Creates topics on the development broker: `java CreateTopics.java ADDRESS NAME PARTITIONS [NAME PARTITIONS]...`.
// A topic that is already there is left as it is. Run as a single source file, so nothing is compiled beforehand.

import java.util.ArrayList;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;

public final class CreateTopics {
    public static void main(String[] args) throws Exception {
        var topics = new ArrayList<NewTopic>();
        for (int i = 1; i + 1 < args.length; i += 2) {
            topics.add(new NewTopic(args[i], Optional.of(Integer.parseInt(args[i + 1])), Optional.empty()));
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
            for (var created : admin.createTopics(topics).values().entrySet()) {
                try {
                    created.getValue().get();
                    System.out.println("kafka: created topic " + created.getKey());
                } catch (ExecutionException failure) {
                    if (!(failure.getCause() instanceof TopicExistsException)) throw failure;
                    System.out.println("kafka: topic " + created.getKey() + " is already there");
                }
            }
        }
    }
}
